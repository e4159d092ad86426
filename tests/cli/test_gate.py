"""The stability gate: who may run what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime import gate
from drafthart.runtime.gate import (
    allow_unstable,
    configured_opt_ins,
    is_stable,
    require_stable_or_opted_in,
    stability,
    taint,
)
from drafthart.runtime.staging.area import Area

RATIFIED = resolve("h@1.0")
DRAFT = resolve("h@0.6.1")


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch, here: Path, tmp_path: Path) -> None:
    """No opt-in is left of other tests, and two drafts are staged."""
    monkeypatch.setattr(gate, "_opted_in", {})
    area = Area(tmp_path / "area")
    for name in ("h@0.6.1", "h@0.6.2"):
        area.manifest(name).parent.mkdir(parents=True)
        area.manifest(name).touch()
    monkeypatch.setattr(gate, "OWN", area)


def test_ratified_revisions_run() -> None:
    assert require_stable_or_opted_in(RATIFIED) == {
        "revision": "h@1.0",
        "status": "ratified",
        "opt_in": None,
    }
    assert taint(stability(RATIFIED)) == ""


def test_parameters_do_not_matter() -> None:
    assert is_stable(resolve("h@1.0", parameters={"GEILEN": 3}))


def test_a_mixture_is_not_ratified() -> None:
    for expression in ("h@1.0~1", "h@1.0@2021-11-30"):
        mixture = resolve(expression)
        assert not is_stable(mixture)
        with pytest.raises(DrafthartError, match="not ratified"):
            require_stable_or_opted_in(mixture, ["h@1.0"])


def test_the_refusal_says_all_there_is_to_know() -> None:
    with pytest.raises(DrafthartError) as caught:
        require_stable_or_opted_in(DRAFT)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "h@0.6.1 is not ratified (status: draft)",
        "encodings, CSRs and behaviour may change without notice",
        "between it and h@1.0 break software",
        "run h@1.0, which is ratified",
        "--allow-unstable h@0.6.1",
        'allow-unstable = ["h@0.6.1"] in drafthart.toml',
    ):
        assert part in message


def test_opting_in_is_by_exact_expression() -> None:
    found = require_stable_or_opted_in(DRAFT, ["h@0.6.1"])
    assert found["opt_in"] == "--allow-unstable h@0.6.1"
    with pytest.raises(DrafthartError):
        require_stable_or_opted_in(DRAFT, ["h@0.6", "h@0.6.1~1", "h", "*"])
    with pytest.raises(DrafthartError):
        require_stable_or_opted_in(resolve("h@0.6.2~1"), ["h@0.6.2"])


def test_opting_in_from_python() -> None:
    allow_unstable("h@0.6.1")
    assert require_stable_or_opted_in(DRAFT)["opt_in"] == "allow_unstable()"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("drafthart.toml", 'allow-unstable = ["h@0.6.1"]'),
        ("pyproject.toml", '[tool.drafthart]\nallow-unstable = ["h@0.6.1"]'),
    ],
)
def test_opting_in_by_a_file_above(here: Path, name: str, text: str) -> None:
    (here / name).write_text(text)
    below = here / "deep" / "er"
    below.mkdir(parents=True)
    (below / "pyproject.toml").write_text('[project]\nname = "other"\n')
    found = require_stable_or_opted_in(DRAFT, folder=below)
    assert found["opt_in"] == str(here / name)


def test_the_nearest_configuration_counts(here: Path) -> None:
    (here / "drafthart.toml").write_text('allow-unstable = ["h@0.6.1"]')
    below = here / "below"
    below.mkdir()
    (below / "drafthart.toml").write_text("allow-unstable = []")
    assert configured_opt_ins(below) == {}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("drafthart.toml", "allow-unstable = [", "drafthart.toml: is no valid TOML"),
        ("drafthart.toml", 'allow-unstable = "h@0.6.1"', "must be a list of revisions"),
        ("drafthart.toml", "allow-unstable = [1]", "must be a list of revisions"),
        ("pyproject.toml", "[tool]\ndrafthart = 1", "must be a table"),
    ],
)
def test_bad_configuration(here: Path, name: str, text: str, message: str) -> None:
    (here / name).write_text(text)
    with pytest.raises(DrafthartError, match=message):
        configured_opt_ins(here)


def test_taint_is_a_comment_that_tools_can_read() -> None:
    line = taint(stability(DRAFT, "--allow-unstable h@0.6.1"))
    assert line.startswith("# unstable: {")
    assert line.endswith("}\n")
    assert json.loads(line.removeprefix("# unstable: "))["status"] == "draft"
