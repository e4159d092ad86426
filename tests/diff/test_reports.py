"""All forms of the report: valid, whole, and the same bytes each time."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from compared import compared

from drafthart.generator.diff.choice import IgnoreEntry, Report, choose, load_ignored, report
from drafthart.generator.diff.findings import compare
from drafthart.generator.diff.report.annotations import github, plain
from drafthart.generator.diff.report.as_json import diff_data
from drafthart.generator.diff.report.junit import junit
from drafthart.generator.diff.report.markdown import markdown
from drafthart.generator.diff.report.page import html_page
from drafthart.generator.diff.rule_table import Audience, Severity
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Place
from drafthart.generator.spec.resolve import resolve

SCHEMAS = Path(__file__).resolve().parents[2] / "specs" / "schema"
PAIRS = [("h@0.3", "h@0.4"), ("h@0.6.1", "h@1.0"), ("h@1.0", "h@0.4"), ("h@1.0", "h@1.0")]
HERE = Place("ignore.yaml", 2, 3)


@pytest.fixture(params=PAIRS, ids=" ".join)
def made(request: pytest.FixtureRequest) -> Report:
    a, b = request.param
    entries = [
        IgnoreEntry("csr-*", "", "We have no CSRs", HERE),
        IgnoreEntry("", "nothing", "Never", HERE),
    ]
    return report(compared(a, b), choose((), ()), entries)


def test_json_fits_its_schema(made: Report) -> None:
    schema = json.loads((SCHEMAS / "diff.schema.json").read_text())
    data = json.loads(json.dumps(diff_data(made)))
    jsonschema.validate(data, schema)
    assert len(data["differences"]) == len(made.findings)
    assert sum(data["summary"]["hardware"].values()) == len(made.findings)
    assert {id_ for it in data["differences"] for id_ in it["changes"]} <= set(
        data["change_details"]
    )


def test_markdown_lists_every_finding(made: Report) -> None:
    text = markdown(made)
    assert sum(line.startswith("- `") for line in text.splitlines()) == len(made.findings) + len(
        made.ignored
    )
    assert text.count("```") % 2 == 0


class Tags(HTMLParser):
    """Checks that tags close, and keeps what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        known = dict(attrs)
        assert "src" not in known
        self.ids.add(known.get("id") or "")
        self.links.add(known.get("href") or "#")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_well_formed_and_needs_nothing_else(made: Report) -> None:
    tags = Tags()
    page = html_page(made)
    tags.feed(page)
    assert tags.open == []
    assert all(link.startswith("#") for link in tags.links)
    assert {link[1:] for link in tags.links} <= tags.ids
    assert page.count('<div class="finding') >= len(made.findings)


def test_bits_are_drawn_old_above_new() -> None:
    page = html_page(report(compared("h@0.4", "h@1.0"), choose(["csr"], ())))
    old, new = page.index("csr:hstatus in h@0.4"), page.index("csr:hstatus in h@1.0")
    picture = page[old : page.index("</svg>", new)]
    assert "</svg>" not in page[old:new]
    assert '<rect class="changed"' in picture
    for title in ("6 STL", "6 GVA", "21 VTW", "8 SP2P", "8 SPVP"):
        assert f"<title>{title}</title>" in picture


def test_junit_counts(made: Report) -> None:
    suite = ElementTree.fromstring(junit(made, Severity.BREAKING)).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    failed = [it for it in cases if it.find("failure") is not None]
    assert len(cases) == int(suite.attrib["tests"]) == len(made.findings) + len(made.ignored)
    assert len(failed) == int(suite.attrib["failures"])
    assert len(failed) == sum(it.worst() is Severity.BREAKING for it in made.findings)


def test_annotations_are_one_line_each(made: Report) -> None:
    commands, lines = list(github(made)), list(plain(made))
    unused = len(made.unused)
    assert unused == (1 if made.comparison.findings else 2)
    assert len(commands) == len(lines) == len(made.findings) + unused
    for line in (*commands, *lines):
        assert "\n" not in line
    levels = [line.split("::")[1].split(" ")[0] for line in commands[:-unused]]
    assert levels == sorted(levels, key=["error", "warning", "notice"].index)
    assert lines[-1].startswith("ignore.yaml:2: warning: ")


def test_an_annotation_in_full() -> None:
    choice = choose(["field-removed"], ["hypervisor"])
    made = report(compared("h@0.6", "h@1.0"), choice)
    assert [it.item for it in made.findings] == ["csr:hedeleg.ECALL_FROM_VS"]
    place = made.findings[0].changes[-1].place
    (line,) = plain(made)
    assert line.startswith(
        f"{place.file}:{place.line}: error: csr:hedeleg.ECALL_FROM_VS: 10, WARL; "
        "breaking for hypervisor (by "
    )
    assert line.endswith("[field-removed]")
    (command,) = github(made)
    assert command.startswith(f"::error file={place.file},line={place.line},title=field-removed ")


def test_the_same_bytes_each_time() -> None:
    def once() -> list[str]:
        made = report(compare(resolve("h@0.3"), resolve("h@0.6")), choose((), ()))
        return [
            markdown(made),
            html_page(made),
            junit(made, Severity.BREAKING),
            str(diff_data(made)),
        ]

    assert once() == once()


# What is wanted, and what is ignored.


def test_words_choose() -> None:
    comparison = compared("h@0.4", "h@1.0")

    def rules(*only: str, audience: str = "hypervisor") -> set[str]:
        return {it.rule for it in report(comparison, choose(only, [audience])).findings}

    assert rules("field-moved", "field-repurposed") == {"field-repurposed"}
    assert rules("breaking") == {"field-removed", "field-repurposed"}
    assert rules("breaking", audience="guest") == set()
    assert rules("breaking", "csr-added") == set()
    assert "csr-added" in rules("csr")
    assert "csr-added" not in rules("field")


@pytest.mark.parametrize(
    ("only", "audiences", "error"),
    [
        (
            ["braking"],
            [],
            "--only braking: no severity, kind of item or rule; did you mean 'breaking'",
        ),
        ([], ["hypervisors"], "--for hypervisors: no such audience; choose of hypervisor, guest"),
    ],
)
def test_unknown_words(only: list[str], audiences: list[str], error: str) -> None:
    with pytest.raises(DrafthartError, match=error):
        choose(only, audiences)


def test_an_ignore_file(tmp_path: Path) -> None:
    path = tmp_path / "ignore.yaml"
    path.write_text(
        "ignore:\n"
        "  - {item: 'csr:henvcfg*', reason: Our chip has none}\n"
        "  - {rule: csr-added, item: csr:mconfigptr, reason: Emulated}\n"
        "  - {rule: field-moved, reason: Nothing moved}\n"
    )
    comparison = compared("h@0.6.1", "h@1.0")
    made = report(comparison, choose((), ()), load_ignored(path))
    assert [(it.item, entry.reason) for it, entry in made.ignored] == [
        ("csr:mconfigptr", "Emulated"),
        ("csr:henvcfg", "Our chip has none"),
    ]
    assert [it.rule for it in made.unused] == ["field-moved"]
    assert str(made.unused[0].place) == f"{path}:4:5"
    assert len(made.findings) + 2 == len(comparison.findings)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("ignore: [{rule: csr-added}]", ":1:10: 'reason' is missing; add it"),
        ("ignore: [{reason: So}]", ":1:10: .*a rule, an item or both, and the reason"),
        ("ignore: [{rule: csr-gone, reason: So}]", ":1:17: no rule 'csr-gone'; there are status"),
        ("ignored: []", "unknown key 'ignored'; did you mean 'ignore'"),
        ("ignore: {", "correct the YAML here"),
    ],
)
def test_a_bad_ignore_file(tmp_path: Path, text: str, error: str) -> None:
    path = tmp_path / "ignore.yaml"
    path.write_text(text + "\n")
    with pytest.raises(DrafthartError, match=error):
        load_ignored(path)


def test_counts_are_for_each_audience() -> None:
    made = report(compared("h@0.6.1", "h@1.0"), choose((), ()))
    for audience in Audience:
        assert sum(made.count(it, audience) for it in Severity) == len(made.findings)
    assert made.gravest() is Severity.BREAKING
