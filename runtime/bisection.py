"""Finds the change that makes a guest fail, among the states between two revisions."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.texts import without_overlay
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import python_engine
from drafthart.runtime.expect import Script
from drafthart.runtime.gate import Stability, is_stable, require_staged, stability
from drafthart.runtime.machine import Machine, Outcome
from drafthart.runtime.resolved import resolved
from drafthart.runtime.side_by_side import Quiet

SKIP = 125
"""The status with which a script says that it cannot tell."""
_PATIENCE = 600
"""Seconds that a script may take."""


@dataclass(frozen=True, slots=True)
class Goal:
    """When a guest does well: it prints `expect`, ends with `status`, or `script` says so.

    A script is called with the revision and the image. Its status is 0 if the guest does well,
    125 if that cannot be told, and any other if not.
    """

    expect: bytes | None = None
    status: int = 0
    script: Path | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One run to make, within `limit` instructions. `opt_in` is how the user wanted it."""

    expression: str
    image: Path
    goal: Goal
    memory: int
    limit: int
    opt_in: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a trial went. `good` is None where it cannot be told, and `why` says why."""

    expression: str
    good: bool | None
    why: str
    outcome: Outcome | None = None


def judge(trial: Trial) -> Verdict:
    """Run the guest in this state."""
    try:
        isa = resolved(trial.expression)
        require_staged(isa)
    except DrafthartError as error:
        return Verdict(trial.expression, None, str(error))
    if trial.goal.script is not None:
        return _ask(trial, trial.goal.script)
    shown = Quiet()
    expected = trial.goal.expect
    script = Script(shown, [expected], []) if expected is not None else None
    machine = Machine(
        isa,
        python_engine(isa),
        memory=trial.memory,
        terminal=script or shown,
        stability=_stability(trial),
    )
    if script is not None:
        script.ended = machine.hart.attention
    machine.boot(Images(program=trial.image))
    outcome = machine.run(trial.limit)
    if script is not None:
        good = script.met
        why = "printed it" if good else f"did not print it, {_told(outcome)}"
    else:
        good = outcome.reason == "exit" and outcome.status == trial.goal.status
        why = _told(outcome)
    return Verdict(trial.expression, good, why, outcome)


def _stability(trial: Trial) -> Stability:
    isa = resolved(trial.expression)
    return stability(isa, None if is_stable(isa) else trial.opt_in)


def _told(outcome: Outcome) -> str:
    if outcome.reason == "exit":
        return f"status {outcome.status} after {outcome.steps} instructions"
    words = {"limit": "limit reached", "asleep": "asleep for good"}
    return f"{words.get(outcome.reason, outcome.reason)} after {outcome.steps} instructions"


def _ask(trial: Trial, script: Path) -> Verdict:
    command = [str(script.resolve()), trial.expression, str(trial.image)]
    environment = {**os.environ, "DRAFTHART_REVISION": trial.expression}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Verdict(trial.expression, None, f"the script took more than {_PATIENCE} seconds")
    except OSError as error:
        raise DrafthartError(
            f"{script}: cannot be run ({error.strerror}); make it a program, with chmod +x"
        ) from None
    good = None if done.returncode == SKIP else done.returncode == 0
    return Verdict(trial.expression, good, f"the script ended with {done.returncode}")


def bisect(
    count: int, ask: Callable[[Sequence[int]], Sequence[bool | None]], width: int
) -> tuple[int, int]:
    """Neighbours of `count` states, of which one is good and the next one bad.

    The first is known to be good and the last to be bad. `ask` judges up to `width` states at
    once. Between the two may be states of which it could not tell.
    """
    good, bad = 0, count - 1
    unknown: set[int] = set()
    while left := [it for it in range(good + 1, bad) if it not in unknown]:
        parts = min(width, len(left)) + 1
        chosen = sorted({left[len(left) * part // parts] for part in range(1, parts)})
        verdicts = dict(zip(chosen, ask(chosen), strict=True))
        unknown |= {it for it, verdict in verdicts.items() if verdict is None}
        bad = min((it for it, verdict in verdicts.items() if verdict is False), default=bad)
        good = max(
            (it for it, verdict in verdicts.items() if verdict is True and it < bad), default=good
        )
    return good, bad


def require_range(
    good: Stability, bad: Stability, allowed: Sequence[str], between: Sequence[str]
) -> str:
    """How the user opted in to what lies between two ends that the gate let through.

    Whoever opted in to an unratified end by name wants what lies on the way, too. Between two
    ratified ends nobody did: there the good one must be named.
    """
    told = list(dict.fromkeys(it["opt_in"] for it in (good, bad) if it["opt_in"]))
    if not told and between:
        name = without_overlay(good["revision"])
        if name not in allowed:
            raise DrafthartError(
                f"the {len(between)} states between {good['revision']} and {bad['revision']} are "
                f"not ratified; opt in to them with --allow-unstable {name}"
            )
        told = [f"--allow-unstable {name}"]
    ends = f"{good['revision']} and {bad['revision']}"
    return f"{', '.join(told)}, for what lies between {ends}" if told else ""
