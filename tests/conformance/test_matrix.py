"""The matrix of items and modes, and the reports that show it: data, page, JUnit, one line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

from drafthart.conformance.comparison import Difference
from drafthart.conformance.groups import groups
from drafthart.conformance.matrix import Matrix, Part, matrix
from drafthart.conformance.observe import Observed
from drafthart.conformance.probes.probe import Group, Probe
from drafthart.conformance.probes.program import Platform, driver, source
from drafthart.conformance.target_file import load_target
from drafthart.conformance.validate import Validation, validate
from drafthart.conformance.verdicts import Verdict, findings
from drafthart.generator.assembly import assemble
from drafthart.generator.spec.texts import SPECS
from drafthart.runtime.gate import Stability
from drafthart.runtime.resolved import resolved
from drafthart.runtime.taint import read_taint
from drafthart.validate_page import marked_fields
from drafthart.validate_report import GRAVE, as_text, rendered

RATIFIED: Stability = {"revision": "h@1.0", "status": "ratified", "opt_in": None}
ONLY = ("instructions/insn:wfi", "csr-access/csr:htval", "csr-values/csr:hedeleg")


@pytest.fixture(scope="module")
def old() -> Validation:
    return validate(*load_target("drafthart:h@0.6"), "h@1.0", only=ONLY, engine="python")


@pytest.fixture(scope="module")
def rows(old: Validation) -> Matrix:
    return matrix(old)


def test_probes_have_one_name_over_all_groups() -> None:
    labels = [probe.label for group in groups(resolved("h@1.0")) for probe in group.probes]
    assert len(labels) > 10_000
    assert len(set(labels)) == len(labels)


def test_cells_count_the_probes_of_an_item_in_a_mode(old: Validation, rows: Matrix) -> None:
    wfi = rows.rows[Part.INSTRUCTIONS]["insn:wfi"]
    probes = old.groups["instructions"].probes
    assert {mode: cell.probes for mode, cell in wfi.items()} == {
        mode: sum(probe.mode == mode for probe in probes) for mode in ("M", "HS", "U", "VS", "VU")
    }
    differing = {label for it in old.findings for label in it.probes}
    for mode, cell in wfi.items():
        own = {probe.label for probe in probes if probe.mode == mode}
        assert cell.differing == len(own & differing)
        assert cell.agreed == cell.probes - cell.differing
        shown = {it for number in cell.findings for it in old.findings[number].probes}
        assert own & differing <= shown


def test_a_csr_accessed_from_a_guest_deviates_where_it_was_no_virtual_instruction(
    rows: Matrix,
) -> None:
    htval = rows.rows[Part.CSRS]["csr:htval"]
    assert htval["VS"].gravest is htval["VU"].gravest is Verdict.DEVIATION
    assert htval["VS"].agreed == htval["VU"].agreed == 0
    hedeleg = rows.rows[Part.CSRS]["csr:hedeleg"]
    assert list(hedeleg) == ["M"]


def test_causes_are_those_that_the_revision_raises(rows: Matrix) -> None:
    causes = rows.rows[Part.CAUSES]
    assert set(causes["cause:22"]) == {"VS", "VU"}
    assert "M" not in causes["cause:2"]


def test_what_probes_that_part_leave_is_not_compared(old: Validation, rows: Matrix) -> None:
    ended = {it.probe for one in old.findings for it in one.differences if it.what == "end"}
    in_vu = [
        probe.label
        for group in old.groups.values()
        for probe in group.probes
        if probe.mode == "VU" and "hstatus" in group.watch
    ]
    assert ended.intersection(in_vu)
    left = rows.rows[Part.LEFT]["csr:hstatus"]["VU"]
    assert left.probes == len(set(in_vu) - ended)


def test_items_without_probe_are_named(rows: Matrix) -> None:
    assert {"insn:hlv.b", "csr:hgatp", "cause:20", "interrupt:10"} <= set(rows.left)
    assert not {"insn:wfi", "csr:htval", "cause:22"} & set(rows.left)
    assert not any("." in it for it in rows.left if it.startswith("csr:"))


def test_fields_that_kept_another_value_are_marked(old: Validation) -> None:
    marked = marked_fields(old)
    hedeleg = resolved("h@1.0").csrs["hedeleg"]
    assert "VTW" in marked["hstatus"]
    assert marked.get("hedeleg", set()) <= set(hedeleg.fields)


def test_the_data_is_as_its_schema_says(old: Validation, rows: Matrix) -> None:
    data = json.loads(rendered(old, RATIFIED, "json"))
    jsonschema.validate(data, json.loads((SPECS / "schema/validate.schema.json").read_text()))
    assert data["not_probed"] == list(rows.left)
    labels = [it for modes in data["groups"].values() for some in modes.values() for it in some]
    assert len(labels) == data["probes"] == old.probes
    for row in data["matrix"]:
        for cell in row["modes"].values():
            assert cell.pop("probes") == sum(cell.values())


class Page(HTMLParser):
    """What of a page the tests ask for; complains of tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.outside: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name == "src":
                self.outside.append(value or "")
        if tag not in ("meta", "input", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def text(old: Validation) -> str:
    return rendered(old, RATIFIED, "html")


def test_every_link_of_the_page_leads_somewhere(old: Validation, text: str) -> None:
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)
    assert not page.outside
    assert "@import" not in text
    assert "url(" not in text
    assert {f"f{number}" for number in range(len(old.findings))} <= set(page.ids)


def test_cells_lead_to_their_findings(old: Validation) -> None:
    first, second, *_ = old.findings
    known = replace(second, verdict=Verdict.KNOWN, why="a-case: it is so")
    outcome = replace(old, findings=[first, known])
    rows = [row for part in matrix(outcome).rows.values() for row in part.values()]
    assert {it for row in rows for cell in row.values() for it in cell.findings} == {0, 1}
    text = rendered(outcome, RATIFIED, "html")
    cells = re.findall(r"<td title.*?</td>", text)
    assert {link for cell in cells for link in re.findall('href="#f([0-9]+)"', cell)} == {"0", "1"}
    assert '<span class="known"><a href="#f1"' in text


def test_the_page_tells_all_of_a_finding(old: Validation, text: str) -> None:
    told = "".join(Page(text).texts)
    for finding in old.of(*GRAVE):
        for part in (finding.first.here, finding.first.there, finding.section, finding.probe):
            assert part in told
        assert ", ".join(finding.as_in) in told
        assert all(rule in told for rule in finding.rules)
        assert all(label in told for label in finding.probes)
    assert '<rect class="changed"' in text


def test_the_programs_of_the_page_are_whole_with_the_driver(old: Validation, text: str) -> None:
    articles = text.count('<article class="finding deviation"')
    programs = [it for it in re.findall(r"<pre>(.*?)</pre>", text, re.S) if "here the driver" in it]
    assert len(programs) == articles == len(old.of(Verdict.DEVIATION)) > 0
    isa = resolved("h@1.0")
    for program in map(unescaped, programs):
        whole = program.replace("# here the driver\n", driver())
        symbols = assemble(whole, isa, name="probe.S", base=Platform().ram).symbols
        assert "begin_signature" in symbols
    (group,) = (it for it in groups(isa, ["instructions/insn:wfi"]))
    assert driver() in source(group, isa, Platform())


def unescaped(text: str) -> str:
    return "".join(Page(f"<pre>{text}</pre>").texts)


def test_a_page_without_findings_shows_the_matrix() -> None:
    outcome = validate(*load_target("drafthart:h@1.0"), "h@1.0", only=["instructions/insn:wfi"])
    text = rendered(outcome, RATIFIED, "html")
    page = Page(text)
    assert not page.links
    assert "insn:wfi" in page.texts
    assert "nothing differs" in text
    assert list(map(str, as_text(outcome)))[:-1] == []


def test_what_comes_from_outside_is_escaped(old: Validation) -> None:
    evil = replace(old, target="<script>alert(1)</script> & co")
    text = rendered(evil, RATIFIED, "html")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_junit_has_a_case_for_each_item_of_each_group(old: Validation) -> None:
    root = Xml.fromstring(rendered(old, RATIFIED, "junit"))
    cases = {(it.get("classname"), it.get("name")): it for it in root.findall("testsuite/testcase")}
    assert set(cases) == {
        ("instructions", "insn:wfi"),
        ("csr-access", "csr:htval"),
        ("csr-values", "csr:hedeleg"),
    }
    failure = cases["instructions", "insn:wfi"].find("failure")
    assert failure is not None
    assert failure.get("type") == "deviation"
    own = [it for it in old.findings if it.group == "instructions"]
    assert own
    for it in own:
        assert it.key in (failure.text or "")
    assert int(root.get("tests", "")) == len(cases)
    assert (
        int(root.get("failures", ""))
        == len(root.findall("testsuite/testcase/failure"))
        == sum(int(suite.get("failures", "")) for suite in root.findall("testsuite"))
    )


def outcome_of(old: Validation, verdict: Verdict, why: str = "") -> Validation:
    """The same, with one finding of this verdict."""
    first = old.of(Verdict.DEVIATION)[0]
    return replace(old, findings=[replace(first, verdict=verdict, why=why)])


@pytest.mark.parametrize(
    ("verdict", "tag", "counted"),
    [
        (Verdict.NOT_IMPLEMENTED, "failure", "failures"),
        (Verdict.INCONCLUSIVE, "error", "errors"),
        (Verdict.KNOWN, "skipped", "skipped"),
        (Verdict.CHOICE, "", ""),
    ],
)
def test_junit_and_annotations_know_the_verdicts(
    old: Validation, verdict: Verdict, tag: str, counted: str
) -> None:
    outcome = outcome_of(old, verdict, "a-case: it is so")
    root = Xml.fromstring(rendered(outcome, RATIFIED, "junit"))
    counts = {name: int(root.get(name, "")) for name in ("failures", "errors", "skipped")}
    assert counts == {name: int(name == counted) for name in counts}
    assert len(root.findall(f"testsuite/testcase/{tag}")) == 1 if tag else True
    lines = rendered(outcome, RATIFIED, "github").splitlines()
    levels = [line.split(" ")[0] for line in lines]
    expected = {"failure": ["::error"], "error": ["::warning"]}.get(tag, [])
    assert levels == [*expected, "::notice"]


@pytest.mark.parametrize("form", ["json", "junit", "html"])
def test_a_report_on_a_draft_says_so(old: Validation, form: str, tmp_path: Path) -> None:
    draft: Stability = {"revision": "h@1.0~1", "status": "draft", "opt_in": "--allow-unstable"}
    path = tmp_path / "report"
    path.write_text(rendered(old, draft, form))
    assert read_taint(path) == draft


def test_the_line_for_ci(old: Validation) -> None:
    line = rendered(old, RATIFIED, "summary")
    assert line.startswith("Drafthart as h@0.6 does not conform to h@1.0: ")
    assert line.count("\n") == 1


def record(*words: int) -> list[int]:
    return [1 << 16, *words]


def found(probes: tuple[Probe, ...], there: list[list[int] | None]) -> dict[str, list[str]]:
    """Key → probes, of a group in which the revision leaves zeros."""
    one = Observed(
        Group("g", probes, (), ("hedeleg",)), (record(0, 0, 0),) * len(probes), tuple(there)
    )
    return {it.key: it.probes for it in findings([one], resolved("h@1.0"))}


def test_a_finding_keeps_its_key_whatever_else_is_probed() -> None:
    probes = tuple(Probe(f"p{number}", "nop" * number or "nop") for number in range(4))
    one = found(probes[2:], [record(0, 0, 4), record(0, 0, 4)])
    assert len(one) == 1
    (key,) = one
    # More probes, another order, and one that needs less to show it.
    for order in ((0, 1, 2, 3), (3, 1, 0, 2)):
        some = tuple(probes[number] for number in order)
        more = found(some, [record(0, 0, 4) for _ in some])
        assert list(more) == [key]
        assert sorted(more[key]) == ["p0", "p1", "p2", "p3"]
    assert list(found(probes, [record(0, 0, 4), None, None, None])) == [key, "inconclusive | g"]
    assert key not in found(probes[:1], [record(1, 0, 0)])


def test_a_finding_names_first_what_its_shortest_probe_is_of() -> None:
    names = {"sret": 2, "wfi": 1, "mret": 0}
    probes = tuple(Probe(f"insn:{it} VU", it + "\nnop" * more) for it, more in names.items())
    one = Observed(Group("g", probes, (), ()), (record(0, 0),) * 3, ([2 << 16, 0, 0],) * 3)
    (finding,) = findings([one], resolved("h@1.0"))
    assert finding.probe == "insn:mret VU"
    assert finding.items == ["insn:mret", "insn:wfi", "insn:sret"]


def test_each_finding_has_a_key_of_its_own(old: Validation) -> None:
    keys = [it.key for it in old.findings]
    assert len(set(keys)) == len(keys) > 2
    assert all(keys)
    for it in old.of(Verdict.DEVIATION):
        assert {one.probe for one in it.differences} == set(it.probes)
        assert isinstance(it.differences[0], Difference)
