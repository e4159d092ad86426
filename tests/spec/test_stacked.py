"""Extensions on one another: any revision can be put on another extension that shares its base."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec_folder import Folder, change

from drafthart.generator.spec.model import Status


@pytest.fixture
def specs(tmp_path: Path) -> Folder:
    """h@1 and extra@1 on base@1, and more@1 on extra@1; each adds a constant."""
    folder = Folder(tmp_path)
    folder.one_change("add: {constants.H: {value: 1}}")
    _extension(folder, "extra", "base@1")
    _extension(folder, "more", "extra@1")
    return folder


def _extension(folder: Folder, name: str, base: str) -> None:
    header = {"revision": f"{name}@1", "base": base, "status": "ratified"}
    body = change(f"the-{name}", f"add: {{constants.{name.upper()}: {{value: 2}}}}")
    folder.revision(name, body, **header)


@pytest.mark.parametrize(
    ("expression", "brings"),
    [
        ("extra@1", {"EXTRA"}),
        ("more@1", {"EXTRA", "MORE"}),
        ("h@1,extra@1", {"H", "EXTRA"}),
        ("extra@1,h@1", {"H", "EXTRA"}),
        ("h@1,more@1", {"H", "EXTRA", "MORE"}),
        ("more@1,extra@1,h@1", {"H", "EXTRA", "MORE"}),
        ("more@1,extra@1~1,h@1,base@1", {"H", "MORE"}),
    ],
)
def test_stacks(specs: Folder, expression: str, brings: set[str]) -> None:
    isa = specs.resolve(expression)
    assert set(isa.constants) - {"LIMIT"} == brings
    assert isa.id == expression


def test_a_stack_is_a_mixture(specs: Folder) -> None:
    """What was never ratified as such is a draft, unless the file itself says what it is on."""
    assert specs.resolve("more@1").status is Status.RATIFIED
    assert specs.resolve("more@1,extra@1").status is Status.RATIFIED
    assert specs.resolve("more@1,extra@1,h@1").status is Status.DRAFT
    assert specs.resolve("extra@1,h@1").status is Status.DRAFT


def test_only_the_top_is_brought(specs: Folder) -> None:
    """The changes below come first."""
    isa = specs.resolve("more@1,extra@1,h@1")
    assert [it.id for it in isa.changes] == ["the-change", "the-extra", "the-more"]
    assert isa.base == "extra@1,h@1"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("more@1,h@1", "more@1 stands on a revision of extra, not on h@1; write more@1,extra@1"),
        ("extra@1,more@1", "extra@1 stands on a revision of base, not on more@1; write extra@1,b"),
        ("h@1,extra@1,h@1", "h@1 stands on a revision of base, not on extra@1; write h@1,base@1"),
        ("h@1,extra@1,base@1,base@1", "base@1 stands on no other revision; write h@1,extra@1,b"),
        ("h@1,extra@1+x", "unknown change 'x' in the revisions of extra"),
        (",".join(["h@1"] * 9), "cannot read the revision"),
    ],
)  # fmt: skip
def test_errors(specs: Folder, expression: str, message: str) -> None:
    assert specs.error(expression).startswith(message)


def test_remedies_name_the_whole_stack(specs: Folder) -> None:
    body = change("a", "add: {constants.A: {value: 1}}")
    body += change("b", "replace: {constants.A.value: 2}")
    specs.revision("deep", body, revision="deep@1")
    remedy = "leave it out too: h@1,deep@1^b^a,base@1"
    assert specs.error("h@1,deep@1^a,base@1").endswith(remedy)
