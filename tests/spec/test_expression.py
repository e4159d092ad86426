# ruff: noqa: E501 - a row of a table stays on its line
from textwrap import indent

import pytest
from spec_folder import Folder, change

from drafthart.generator.spec.expression import dependencies
from drafthart.generator.spec.model import Status
from drafthart.generator.spec.resolve import revisions
from drafthart.generator.spec.series import open_series


@pytest.fixture
def series(folder: Folder) -> Folder:
    """Three revisions: 1 has a, b, c; 2 has d, e; 3 has f, g."""
    folder.revision(
        "1",
        change("a", "add: {csrs.hstat: {address: 0x600, mode: M}}", date="2020-01-01")
        + change("b", "add: {csrs.hstat.fields.B: {bits: 1, kind: WARL}}", date="2020-02-01")
        + change("c", "add: {constants.C: {value: 1}}", date="2020-02-01"),
        title="First",
    )
    folder.revision(
        "2",
        change("d", "rename: {csrs.hstat.fields.B: D}", date="2020-03-01")
        + change("e", "replace: {csrs.hstat.fields.D.bits: 2}", date="2020-04-01"),
        "h@1",
    )
    folder.revision(
        "3",
        change(
            "f",
            "add: {functions.f: {operation: 'x = hstat.D + C'}}",
            date="2020-05-01",
        )
        + change("g", "replace: {functions.check.operation: f()}", date="2020-06-01"),
        "h@2",
        status="ratified",
        commit="[1234567]"[1:-1],
    )
    return folder


def ids(folder: Folder, expression: str) -> str:
    return "".join(it.id for it in folder.resolve(expression).changes)


@pytest.mark.parametrize(
    ("expression", "changes"),
    [
        ("base@1", ""),
        ("base@1@2019-12-31", ""),
        ("h@1", "abc"),
        ("h@3", "abcdefg"),
        (" h@3 ", "abcdefg"),
        ("h@3~0", "abcdefg"),
        ("h@3~2", "abcde"),
        ("h@1~3", ""),
        ("h@1+d", "abcd"),
        ("h@1+d+e", "abcde"),
        ("h@1+d+e~1", "abcd"),
        ("h@1^c", "ab"),
        ("h@1^c+c", "abc"),
        ("h@3^g^f^c", "abde"),
        ("h@2@2020-02-01", "abc"),
        ("h@2@2020-02-15^c", "ab"),
        ("h@3@2020-03-01~1", "abc"),
        ("h@3@2020-02", "abc"),
        ("h@3@2020-03", "abcd"),
        ("h@3@2020", "abcdefg"),
        ("h@3@2030", "abcdefg"),
    ],
)
def test_algebra(series: Folder, expression: str, changes: str) -> None:
    assert ids(series, expression) == changes


def test_what_a_mixture_is_called(series: Folder) -> None:
    plain, same, mixed = (series.resolve(it) for it in ("h@3", "h@3~0", "h@3~1"))
    assert (plain.id, plain.status, plain.commit) == ("h@3", Status.RATIFIED, "1234567")
    assert (same.id, same.status) == ("h@3~0", Status.RATIFIED)
    assert (mixed.id, mixed.status, mixed.date) == ("h@3~1", Status.DRAFT, "2020-05-01")
    assert (mixed.title, mixed.commit) == ("Draft 3, modified: h@3~1", "abcdef01")


def test_dependencies(series: Folder) -> None:
    graph = dependencies(open_series(series.root), "h@3")
    assert {name: "".join(sorted(needs)) for name, needs in graph.needs.items()} == {
        "a": "", "b": "a", "c": "", "d": "b", "e": "ad", "f": "acd", "g": "f",
    }  # fmt: skip
    assert graph.prerequisites("g") == list("abcdf")
    assert graph.dependents("d") == list("efg")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("h", "cannot read the revision 'h'; write it as h@0.6.1, with ~2, +change, ^change or"),
        ("h@1~", "cannot read the revision"),
        ("h@1 + d", "cannot read the revision"),
        ("h@4", "unknown revision 'h@4'; did you mean 'h@3'? Known: base@1, h@1, h@2, h@3."),
        ("v@x", "unknown revision 'v@x'; there are base@1, h@1, h@2, h@3"),
        ("h@1~4", "~4 leaves out more changes than h@1 has; it has 3, so ~3 is the most"),
        ("h@1~x", "~x is no number of changes; write ~ and a number, such as ~2"),
        ("h@1+x", "unknown change 'x' in the revisions of h; there are d, e, f, g"),
        ("h@1+a", "h@1 includes 'a' already; drop +a"),
        ("h@1+d+d", "h@1+d includes 'd' already; drop +d"),
        ("h@1+e", "'e' builds on 'd', missing in h@1; write h@1+d+e"),
        ("h@1^c+g~1", "'g' builds on 'c', 'd' and 'f', missing in h@1^c; write h@1^c+c+d+f+g~1"),
        ("h@1^d", "h@1 has no change 'd'; there are a, b, c"),
        ("h@2^b", "'d' and 'e' in h@2 build on 'b'; leave them out too: h@2^e^d^b"),
        ("h@1+d^b~1", "'d' in h@1+d builds on 'b'; leave it out too: h@1+d^d^b~1"),
        ("h@1@2019-12-31", "h@1 has no change as of 2019-12-31; the first is of 2020-01-01"),
        ("base@1@2018-12-31", "base@1 has no change as of 2018-12-31; the first is of 2019-01-01"),
        ("h@1@yesterday", "@yesterday is no date; write it as @2021-08-16, or @2021-08 or @2021 for"),
        ("h@1@2020-13", "@2020-13 is no date"),
        ("h@1@2020-02-30", "@2020-02-30 is no date"),
        ("h@1@20200201", "@20200201 is no date"),
        ("h@1,base@1,base@1", "base@1 stands on no other revision; write h@1,base@1"),
        ("h@1,", "cannot read the revision 'h@1,'"),
        ("h@1, base@1", "cannot read the revision 'h@1, base@1'"),
        ("base@1^x,base@1", "base@1 has no change 'x'; there are none"),
        ("base@1,h@1", "base@1 stands on no other revision; write base@1"),
        ("h@1^c,h@2", "h@1 stands on a revision of base, not on h@2; write h@1^c,base@1"),
        ("h@1,base@2", "unknown revision 'base@2'"),
        ("h@1+e~1,base@1", "'e' builds on 'd', missing in h@1; write h@1+d+e~1,base@1"),
    ],
)  # fmt: skip
def test_errors(series: Folder, expression: str, message: str) -> None:
    assert series.error(expression).startswith(message)


def test_a_date_between_a_change_and_what_it_builds_on(folder: Folder) -> None:
    folder.revision(
        "1",
        change("late", "add: {constants.A: {value: 1}}", date="2020-05-01")
        + change("early", "replace: {constants.A.value: 2}", date="2020-03-01"),
    )
    assert folder.error("h@1@2020-04-01") == (
        "as of 2020-04-01, 'early' stands without 'late', which it builds on; "
        "choose another date, or leave it out: h@1^early@2020-04-01"
    )


def test_stated_requirements(folder: Folder) -> None:
    folder.revision("1", change("a") + change("b", more="requires: [a]"))
    assert folder.error("h@1^a").startswith("'b' in h@1 builds on 'a'")
    folder.revision("1", change("a") + change("b", more="requires: [c]"))
    assert folder.error("h@1^a") == (
        folder.at("h/1.yaml", "c]") + "no earlier change 'c'; there are a"
    )


def test_forks(folder: Folder) -> None:
    """A change of another branch can be picked in with what it builds on there."""
    folder.revision("1", change("a"))
    folder.revision("2", change("b", "add: {constants.B: {value: 1}}"), "h@1")
    folder.revision("1.x", change("c", "add: {constants.C: {value: 1}}"), "h@1")
    assert ids(folder, "h@1.x+b") == "acb"
    assert ids(folder, "h@1.x+b^c") == "ab"


@pytest.mark.parametrize(
    ("first", "second", "needs"),
    [
        ("add: {constants.A: {value: 1}}", "add: {functions.f: {operation: x = A}}", True),
        ("add: {constants.A: {value: 1}}", "add: {functions.f: {operation: 'pass  # A'}}", False),
        ("add: {causes.5: {name: Five, constant: FIVE}}", "replace: {functions.check.operation: x = FIVE}", True),
        ("replace: {causes.2.constant: TWO}", "replace: {functions.check.operation: x = TWO}", True),
        ("add: {csrs.a: {address: 1, mode: M}}", "add: {rules.r: {summary: x, by: [csr:a]}}", True),
        ("add: {csrs.a: {address: 1, mode: M}}", "add: {csrs.b: {address: 2, mode: M, substitutes: a}}", True),
        ("add: {csrs.status.fields.X: {bits: 9, kind: RO}}", "replace: {csrs.window.view: {of: status, fields: [X]}}", True),
        ("add: {csrs.status.fields.X: {bits: 9, kind: RO}}", "add: {functions.f: {operation: x = status.X}}", True),
        ("add: {csrs.status.fields.X: {bits: 9, kind: RO}}", "add: {functions.f: {operation: x = status.ON}}", False),
        ("add: {csrs.status.fields.X: {bits: 9, kind: RO}}", "remove: [csrs.status]", True),
        ("replace: {csrs.slot.fields.VALUE.bits: 1}", "add: {functions.f: {operation: 'x = slot[2].VALUE'}}", False),
        ("rename: {csrs.slot.fields.VALUE: V}", "add: {functions.f: {operation: 'x = slot[2].V'}}", True),
        ("rename: {csrs.slot: hole}", "add: {functions.f: {operation: 'x = hole[2].VALUE'}}", True),
        ("rename: {functions.check: look}", "add: {instructions.x: {extension: X, encoding: unassigned, operation: look()}}", True),
        ("add: {operands.rx: {kind: register}}", "add: {instructions.x: {extension: X, encoding: '00000000000000000000 rx 0001011', operation: pass}}", True),
        ("rename: {instructions.addi: add.i}", "replace: {pseudoinstructions.nop.expands: ['add.i x0, x0, 0']}", True),
        ("add: {parameters.P: {default: 1, legal: [1]}}", "add: {csrs.b: {address: 2, mode: M, exists: P > 0}}", True),
        ("remove: [pseudoinstructions.nop]", "add: {pseudoinstructions.nop: {expands: ['addi x0, x0, 0']}}", True),
        ("replace: {csrs.status.mode: M}", "add: {csrs.status.fields.X: {bits: 9, kind: RO}}", False),
    ],
)  # fmt: skip
def test_what_makes_a_dependency(folder: Folder, first: str, second: str, needs: bool) -> None:
    folder.revision("1", change("first", first) + change("second", second))
    graph = dependencies(open_series(folder.root), "h@1")
    assert graph.needs["second"] == (frozenset(["first"]) if needs else frozenset())


@pytest.fixture
def amended(series: Folder) -> Folder:
    """h@3 is ratified; p, q, r came later, and r builds on p."""
    amendments = (
        change("p", "add: {constants.P: {value: 1}}", date="2021-01-10")
        + change("q", "replace: {csrs.hstat.address: 0x601}", date="2021-01-20")
        + change("r", "replace: {constants.P.value: 2}", date="2022-02-02")
    )
    path = series.root / "h" / "3.yaml"
    text = path.read_text(encoding="utf-8") + "amendments:\n" + indent(amendments, "  ")
    path.write_text(text, encoding="utf-8")
    series.revision("4", change("h", "add: {constants.H: {value: 1}}", date="2023-01-01"), "h@3")
    return series


@pytest.mark.parametrize(
    ("expression", "changes"),
    [
        ("h@3", "abcdefg"),
        ("h@3~1", "abcdef"),
        ("h@3@2020", "abcdefg"),
        ("h@3@2021-01-10", "abcdefgp"),
        ("h@3@2021-01", "abcdefgpq"),
        ("h@3@2021", "abcdefgpq"),
        ("h@3@2026-08-01", "abcdefgpqr"),
        ("h@3@2026~1", "abcdefgpq"),
        ("h@3@2026^q", "abcdefgpr"),
        ("h@3@2026^r^p", "abcdefgq"),
        ("h@3@2026@2020-02", "abc"),
        ("h@3^g^f^c@2021", "abdepq"),
        ("h@3+q", "abcdefgq"),
        ("h@3+q@2021", "abcdefgqp"),
        ("h@3+p+r", "abcdefgpr"),
        ("h@2+q", "abcdeq"),
        ("h@4", "abcdefgh"),
        ("h@4@2023", "abcdefgh"),
        ("h@4+p+r^h", "abcdefgpr"),
    ],
)
def test_amendments(amended: Folder, expression: str, changes: str) -> None:
    assert ids(amended, expression) == changes


def test_an_amended_revision_was_not_ratified_as_such(amended: Folder) -> None:
    plain, isa = amended.resolve("h@3"), amended.resolve("h@3@2021")
    assert plain.status is amended.resolve("h@3@2020").status is Status.RATIFIED
    assert (isa.status, isa.date, isa.title) == (
        Status.DRAFT, "2021-01-20", "Draft 3, modified: h@3@2021"
    )  # fmt: skip
    assert isa.csrs["hstat"].address == 0x601


def test_what_a_list_says_of_amendments(amended: Folder) -> None:
    found = {it.id: it for it in revisions(amended.root)}
    assert (found["h@3"].amendments, found["h@3"].amended) == (3, "h@3@2022-02-02")
    assert (found["h@4"].amendments, found["h@4"].amended) == (0, None)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("h@3+r", "'r' builds on 'p', missing in h@3; write h@3+p+r"),
        ("h@3@2026^p", "'r' in h@3@2026 builds on 'p'; leave it out too: h@3@2026^r^p"),
        ("h@3^q", "h@3 has no change 'q'; there are a, b, c, d, e, f, g"),
        (
            "h@3~7@2021-01-20",
            "as of 2021-01-20, 'q' stands without 'a', which it builds on; choose",
        ),
    ],
)
def test_errors_of_amendments(amended: Folder, expression: str, message: str) -> None:
    assert amended.error(expression).startswith(message)


def test_an_amendment_is_unique_too(amended: Folder) -> None:
    amended.edit("h/3.yaml", "id: r", "id: a")
    assert "the change 'a' is already at" in amended.error("h@3@2026")


@pytest.fixture
def bases(folder: Folder) -> Folder:
    """base@2 has changes m, n; h@1 stands on base@2 as of m; h@2 on base@2; k on h@2's."""
    folder.write(
        "base/2.yaml",
        """
        revision: base@2
        title: The new ground
        status: ratified
        date: 2020-06-01
        parent: base@1
        changes:
        """,
    )
    base = change("m", "replace: {constants.LIMIT.value: 17}", date="2020-01-01") + change(
        "n", "add: {csrs.new: {address: 0x350, mode: M}}", date="2020-06-01"
    )
    path = folder.root / "base" / "2.yaml"
    path.write_text(path.read_text(encoding="utf-8") + indent(base, "  "), encoding="utf-8")
    folder.revision(
        "1", change("a", "add: {csrs.hstat: {address: 0x600, mode: M}}"), "base@2@2020-03"
    )
    folder.revision(
        "2",
        change("b", "add: {constants.B: {value: 1}}"),
        "h@1",
        base="base@2",
        status="ratified",
    )
    folder.revision("3", change("c", "replace: {csrs.hstat.mode: HS}"), "h@2")
    return folder


@pytest.mark.parametrize(
    ("expression", "base", "changes"),
    [
        ("base@1", "", ""),
        ("base@2", "", "mn"),
        ("base@2^m", "", "n"),
        ("h@1", "base@2@2020-03", "ma"),
        ("h@2", "base@2", "mnab"),
        ("h@3", "base@2", "mnabc"),
        ("h@3~2", "base@2", "mna"),
        ("h@1,base@2", "base@2", "mna"),
        ("h@2,base@1", "base@1", "ab"),
        ("h@2^b,base@1+n", "base@1+n", "na"),
        ("h@2@2020-01,base@2@2020-01-01", "base@2@2020-01-01", "mab"),
    ],
)
def test_bases(bases: Folder, expression: str, base: str, changes: str) -> None:
    isa = bases.resolve(expression)
    assert (isa.id, isa.base) == (expression, base)
    assert "".join(it.id for it in isa.changes) == changes
    assert ("new" in isa.csrs, isa.numbers["LIMIT"] == 17) == ("n" in changes, "m" in changes)


@pytest.mark.parametrize(
    ("expression", "status"),
    [
        ("h@2", Status.RATIFIED),
        ("h@2,base@2", Status.RATIFIED),
        ("h@2,base@1+m+n", Status.RATIFIED),
        ("h@2,base@2~1", Status.DRAFT),
        ("h@2,base@1", Status.DRAFT),
        ("h@1", Status.DRAFT),
        ("base@2", Status.RATIFIED),
    ],
)
def test_another_base_than_the_stated_one_makes_a_mixture(
    bases: Folder, expression: str, status: Status
) -> None:
    assert bases.resolve(expression).status is status


def test_only_what_stands_on_a_base_has_an_origin(bases: Folder) -> None:
    assert bases.resolve("base@2").csrs["new"].origin == ""
    isa = bases.resolve("h@2")
    assert (isa.csrs["new"].origin, isa.csrs["hstat"].origin) == ("", "h")


def test_the_base_counts_for_the_content(bases: Folder) -> None:
    assert len({bases.resolve(it).content for it in ("h@2", "h@2,base@1", "h@2,base@1+n")}) == 3


def test_bases_are_listed_before_what_stands_on_them(bases: Folder) -> None:
    found = revisions(bases.root)
    assert [it.id for it in found] == ["base@1", "base@2", "h@1", "h@2", "h@3"]
    assert [it.base for it in found] == [None, None, "base@2@2020-03", "base@2", "base@2"]


def test_ids_are_unique_over_bases(bases: Folder) -> None:
    bases.edit("base/2.yaml", "id: m", "id: a")
    assert "the change 'a' is already at" in bases.error("h@2")


def test_errors_of_bases(bases: Folder) -> None:
    error = bases.error("h@1,base@1^m")
    assert error == "base@1 has no change 'm'; there are none"
    error = bases.error("h@2^a,base@2+m")
    assert error.startswith("base@2 includes 'm' already")
    assert bases.error("h@2,base@2^m+q").startswith("unknown change 'q' in the revisions of base")
    bases.edit("h/2.yaml", "base: base@2\n", "base: base@7\n")
    assert bases.error("h@2").startswith(bases.at("h/2.yaml", "base@7") + "unknown revision")
    bases.edit("h/2.yaml", "base: base@7\n", "base: h@1\n")
    assert bases.error("h@2").startswith(f"{bases.root}/h/2.yaml:")
    assert bases.error("h@2").endswith("h stands on itself; correct the base")
    bases.edit("h/3.yaml", "parent: h@2\n", "parent: base@2\n")
    assert bases.error("h@3") == (
        bases.at("h/3.yaml", "base@2") + "the parent base@2 is not of the extension h; "
        "write base: base@2"
    )


def test_series_errors(folder: Folder) -> None:
    folder.revision("1", change("a"), parent="h@2")
    folder.revision("2", change("b"), parent="h@1")
    assert folder.error("h@1").startswith(folder.at("h/2.yaml", "h@1") + "h@1 descends from itself")
    folder.revision("2", change("b"), parent="h@0")
    assert folder.error("h@1").startswith(folder.at("h/2.yaml", "h@0") + "unknown revision 'h@0'")
    folder.revision("2", change("a"), parent="base@1")
    error = folder.error("h@1")
    assert error.startswith(
        folder.at("h/1.yaml", "a\n    commit") + "the change 'a' is already at "
    )
    folder.write("h/3.yaml", (folder.root / "h/2.yaml").read_text(encoding="utf-8"))
    assert folder.error("h@1") == (
        f"{folder.root}/h/3.yaml: h@2 is also in {folder.root}/h/2.yaml; "
        "rename or remove one of them"
    )
