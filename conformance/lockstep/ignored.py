"""Differences that are no findings: what the text leaves open, and what a user lists, with reasons.

What is ignored in a register that an instruction writes is taken over from the other side, so that
both go on from the same state.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.yaml_file import load_yaml

_KINDS = ("csr:", "insn:", "load:", "reg:")


@dataclass(frozen=True, slots=True)
class Ignored:
    """`what` is an item with wildcards; a field (`csr:mstatus.SD`) stands for its bits.

    `load:device` are loads from where no RAM is, `reg:x5` is a register wherever it is written.
    With `zero`, only where one of both values is 0.
    """

    what: str
    reason: str
    zero: bool = False

    def matches(self, what: str) -> bool:
        """Is this item meant?"""
        return fnmatchcase(what, self.what)


_COUNTER = "counters and time count what each implementation does"
_IDENTITY = "tells who made it, or which extensions it has"
_TRANSFORMED = "may be zero where a transformed instruction may stand"
_PENDING = "devices make it pending in their own time"

OWN = (
    *(
        Ignored(f"csr:{name}", _COUNTER)
        for name in ("cycle*", "time*", "instret*", "hpmcounter*", "mcycle*", "minstret*")
    ),
    Ignored("csr:mhpm*", _COUNTER),
    *(
        Ignored(f"csr:{name}", _IDENTITY)
        for name in ("mvendorid", "marchid", "mimpid", "mconfigptr", "misa")
    ),
    Ignored("csr:htinst", _TRANSFORMED, zero=True),
    Ignored("csr:mtinst", _TRANSFORMED, zero=True),
    *(
        Ignored(f"csr:{name}.{bit}", _PENDING)
        for name in ("mip", "sip")
        for bit in ("?TIP", "?EIP", "?SIP")
    ),
    Ignored("load:device", "a device answers in its own way"),
    Ignored("insn:sc.*", "SC may fail without a reason", zero=True),
)
"""What the text leaves open."""


_CHOICES = (
    *("csr:satp.*", "csr:?satp.*", "csr:vsatp.*", "csr:hgatp.*"),
    *("csr:?tvec.*", "csr:vstvec.*", "csr:?edeleg.*", "csr:?ideleg.*"),
    *("csr:?counteren.*", "csr:mcountinhibit.*", "csr:?envcfg.*"),
    *("csr:hgeie.*", "csr:hstatus.VGEIN", "csr:mstatus.FS", "csr:pmpaddr*.*", "csr:pmpcfg*.*"),
)
"""Fields of which an implementation chooses what they hold: the text names no least set.

Not each WARL field is among them. Which bits of mscratch or MPP are there is no choice.
"""


def is_choice(part: str) -> bool:
    """May implementations differ in what a write leaves in this field?"""
    return any(fnmatchcase(part, pattern) for pattern in _CHOICES)


def read_ignored(path: Path) -> tuple[Ignored, ...]:
    """A user's list. Raises `DrafthartError` with the place of what is wrong."""
    node = load_yaml(path, str(path))
    if not node.sequence:
        raise DrafthartError(f"{path}: is no list; write - {{what: csr:NAME, reason: WHY}}")
    found = []
    for item in node.sequence:
        data = item.plain() if item.entries else None
        if not isinstance(data, dict) or not {"what", "reason"} <= set(data) <= {
            "what",
            "reason",
            "zero",
        }:
            raise DrafthartError(
                f"{item.place}: each entry has what: and reason:, and zero: true if one side is 0"
            )
        what, reason = str(data["what"]), str(data["reason"] or "")
        if not what.startswith(_KINDS) or not reason.strip():
            raise DrafthartError(
                f"{item.place}: what: begins with one of {' '.join(_KINDS)}, and reason: says why"
            )
        found.append(Ignored(what, reason, data.get("zero") is True))
    return tuple(found)


def ignored_by(items: list[str], here: int, there: int, known: tuple[Ignored, ...]) -> str | None:
    """The reason why a difference in one of these items is ignored."""
    for it in known:
        if (not it.zero or here == 0 or there == 0) and any(map(it.matches, items)):
            return it.reason
    return None
