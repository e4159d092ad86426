"""What is not staged does not run, whoever opts in; and what Python is told of a draft."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import drafthart
from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime import gate
from drafthart.runtime.engines import python_engine
from drafthart.runtime.gate import (
    features_of,
    mixed,
    remarks,
    require_stable_or_opted_in,
    stability,
)
from drafthart.runtime.machine import Machine
from drafthart.runtime.staging.area import Area
from drafthart.runtime.staging.ledger import Exit, Feature, Ledger, State, Step
from drafthart.runtime.staging.templates import MANIFEST

RATIFIED = resolve("h@1.0")
DRAFT = resolve("h@0.6.1")
STAGED = ("h@0.5", "h@0.6.1")


class Nobody:
    """A terminal without anyone."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


def entry(name: str, *steps: Step) -> Feature:
    history = (Step("2020-01-01", State.STAGED, "ready"), *steps)
    return Feature(name, name, "me", "here", "2020-01-01", "why", (Exit("done"),), (), "unused", 90,
                   history)  # fmt: skip


@pytest.fixture(autouse=True)
def area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Area:
    """Staged are 0.5 and 0.6.1; the ledger knows of more. No opt-in is left of other tests."""
    made = Area(tmp_path)
    for name in STAGED:
        made.manifest(name).parent.mkdir(parents=True)
        made.manifest(name).write_text(MANIFEST.format(name=name))
    known = [
        *(entry(name) for name in STAGED),
        entry("h@0.4", Step("2021-02-03", State.DROPPED, "nobody used it")),
        entry("h@0.3", Step("2021-02-03", State.RENAMED, "a better name", "h@0.5")),
    ]
    made.ledger.write_text(Ledger({it.id: it for it in known}).text())
    monkeypatch.setattr(gate, "OWN", made)
    monkeypatch.setattr(gate, "_opted_in", {})
    monkeypatch.setattr(gate, "_warned", set())
    monkeypatch.chdir(tmp_path)
    return made


def refusal(expression: str) -> str:
    with pytest.raises(DrafthartError) as caught:
        require_stable_or_opted_in(resolve(expression), [expression])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("expression", STAGED)
def test_what_is_staged_runs(expression: str) -> None:
    assert require_stable_or_opted_in(resolve(expression), [expression])["status"] == "draft"


def test_what_is_not_staged_does_not_run_whoever_opts_in() -> None:
    message = refusal("h@0.6.2")
    assert message.startswith("h@0.6.2 is not staged here, so it does not run; show, diff and ")
    assert message.endswith("run h@1.0, which is ratified")


def test_what_was_dropped_says_so_and_how_it_comes_back() -> None:
    message = refusal("h@0.4")
    assert "(dropped on 2021-02-03: nobody used it)" in message
    assert "restore it with drafthart staging restore h@0.4, or run h@1.0" in message


def test_without_staging_only_what_is_ratified_runs(area: Area) -> None:
    for path in area.staged():
        path.unlink()
    area.ledger.unlink()
    for expression in STAGED:
        assert "is not staged here, so it does not run" in refusal(expression)
    assert require_stable_or_opted_in(RATIFIED)["status"] == "ratified"
    assert require_stable_or_opted_in(resolve("h@1.0~1"), ["h@1.0~1"])["status"] == "draft"


@pytest.mark.parametrize(("gone", "stays"), [STAGED, STAGED[::-1]])
def test_without_one_feature_all_others_run(area: Area, gone: str, stays: str) -> None:
    area.manifest(gone).unlink()
    assert f"{gone} is not staged here" in refusal(gone)
    assert require_stable_or_opted_in(resolve(stays), [stays])["revision"] == stays
    assert require_stable_or_opted_in(RATIFIED)["revision"] == "h@1.0"


@pytest.mark.parametrize(
    ("expression", "features"),
    [
        ("h@0.6.1", ["h@0.6.1", "priv@1.12"]),
        ("h@0.6.1~2", ["h@0.6.1", "priv@1.12"]),
        ("h@0.6.1~17", ["h@0.6.1", "priv@1.12", "h@0.6"]),
        ("h@0.6.1@2020-05-05", ["h@0.6.1", "priv@1.12"]),
        ("h@1.0", ["h@1.0", "priv@1.12"]),
        ("h@1.0,priv@1.11", ["h@1.0", "priv@1.11"]),
        ("h@1.0,zimop@0.1", ["h@1.0", "zimop@0.1", "priv@1.12"]),
        ("zcmop@0.2,zimop@1.0,h@0.5~1", ["zcmop@0.2", "zimop@1.0", "h@0.5", "priv@1.12"]),
        ("priv@1.10", ["priv@1.10"]),
    ],
)
def test_the_features_that_a_mixture_needs(expression: str, features: list[str]) -> None:
    assert features_of(resolve(expression)) == features


@pytest.mark.parametrize("expression", ["h@1.0,zimop@0.1", "zimop@1.0,h@0.6"])
def test_what_it_stands_on_must_be_staged_too(expression: str) -> None:
    below = expression.partition(",")[2]
    assert refusal(expression).startswith(f"{below}, which {expression} has changes of,")


def test_a_pick_needs_the_feature_that_it_comes_from() -> None:
    message = refusal("h@0.6.1+virtual-instruction-by-access")
    assert message.startswith(
        "h@0.6.2, which h@0.6.1+virtual-instruction-by-access has changes of,"
    )


def test_the_refusal_says_when_it_leaves(area: Area) -> None:
    with pytest.raises(DrafthartError, match=r"; it leaves when unused; run h@1.0, which is"):
        require_stable_or_opted_in(DRAFT)
    noticed = replace(entry("h@0.6.1"), leaves="2030-01-01")
    area.ledger.write_text(Ledger({"h@0.6.1": noticed}).text())
    with pytest.raises(DrafthartError, match=r"; it may be dropped from 2030-01-01 on; run h@1.0"):
        require_stable_or_opted_in(DRAFT)


def test_the_refusal_has_the_words_of_python() -> None:
    with pytest.raises(DrafthartError) as caught:
        require_stable_or_opted_in(DRAFT)
    assert 'drafthart.allow_unstable("h@0.6.1", reason="...")' in str(caught.value)


def test_what_became_of_an_opt_in() -> None:
    assert list(remarks(["h@0.6.1", "h@0.6.1~2", "unheard@1", "h@0.6.2"])) == []
    (ratified,) = remarks(["h@1.0"])
    assert ratified == "h@1.0 is ratified and needs no opt-in; leave it out of what you allow"
    (dropped,) = remarks(["h@0.4"])
    assert dropped.startswith("h@0.4 was dropped on 2021-02-03 (nobody used it) and does not run; ")
    assert list(remarks(["h@1.0~1"])) == []
    with pytest.raises(DrafthartError) as caught:
        list(remarks(["h@0.3~1"]))
    assert str(caught.value) == (
        "h@0.3 is called h@0.5 since 2021-02-03 (a better name); opt in to h@0.5~1"
    )


@pytest.mark.parametrize("words", ["*", "h", "h@", "h@*", "any draft", "H@1", ""])
def test_there_is_no_opt_in_to_several(words: str) -> None:
    with pytest.raises(DrafthartError, match=r"opt in to each by its exact name"):
        drafthart.allow_unstable(words)


def test_the_reason_stays_with_what_is_made() -> None:
    drafthart.allow_unstable("h@0.6.1", reason="our chip has it")
    found = require_stable_or_opted_in(DRAFT)
    assert found["opt_in"] == "allow_unstable(): our chip has it"


def test_an_opt_in_that_is_needed_no_more_is_told() -> None:
    with pytest.warns(drafthart.DrafthartUnstableWarning, match=r"h@1.0 is ratified and needs no"):
        drafthart.allow_unstable("h@1.0")


def machine(expression: str) -> Machine:
    isa = resolve(expression)
    return Machine(isa, python_engine(isa), memory=1 << 20, terminal=Nobody())


def test_a_machine_in_python_needs_the_opt_in() -> None:
    with pytest.raises(DrafthartError, match=r"h@0.6.1 is not ratified"):
        machine("h@0.6.1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert machine("h@1.0").isa.id == "h@1.0"


def test_python_is_warned_once_of_each_revision() -> None:
    drafthart.allow_unstable("h@0.6.1", "h@0.5")
    order = ("h@0.6.1", "h@0.5", "h@0.6.1", "h@0.6.1")
    with pytest.warns(drafthart.DrafthartUnstableWarning) as caught:
        made = [machine(expression).isa.id for expression in order]
    assert tuple(made) == order
    assert [str(it.message).split()[0] for it in caught] == ["h@0.6.1", "h@0.5"]
    assert {it.filename for it in caught} == {__file__}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module that was generated from 0.6.1, in the path."""
    (tmp_path / "generated_hart.py").write_text(emit_python(DRAFT, to_import=True))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "generated_hart"
    sys.modules.pop("generated_hart", None)


def test_a_generated_module_is_imported_only_by_who_opted_in(module: str) -> None:
    with pytest.raises(DrafthartError) as caught:
        __import__(module)
    assert str(caught.value).startswith(
        "generated_hart: was generated from h@0.6.1, which is not ratified (status: draft); before "
        "the import, opt in with "
    )
    drafthart.allow_unstable("h@0.6.1")
    with pytest.warns(drafthart.DrafthartUnstableWarning, match=r"h@0.6.1 is not ratified"):
        found = __import__(module)
    assert found.UNSTABLE is True


def test_a_module_of_what_is_ratified_asks_nothing() -> None:
    text = emit_python(RATIFIED, to_import=True)
    assert "require_to_import" not in text
    assert "\nUNSTABLE = False\n" in text


def test_what_is_mixed_is_as_unstable_as_its_parts() -> None:
    draft = stability(DRAFT, "--allow-unstable h@0.6.1")
    other = stability(resolve("h@0.5"), "allow_unstable()")
    ratified = stability(RATIFIED)
    assert mixed(ratified, ratified) == ratified
    assert mixed(ratified, draft) == draft
    assert mixed(draft, ratified, other) == {
        "revision": "h@0.6.1, h@0.5",
        "status": "draft",
        "opt_in": "--allow-unstable h@0.6.1, allow_unstable()",
    }
