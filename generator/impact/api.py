"""The impact of the differences between two revisions on a program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath

from drafthart.generator.diff.choice import Report
from drafthart.generator.diff.findings import Finding
from drafthart.generator.diff.rule_table import Severity
from drafthart.generator.errors import DrafthartError
from drafthart.generator.impact.find import places
from drafthart.generator.impact.image import Image, read_image
from drafthart.generator.impact.place import Certainty, Place
from drafthart.generator.impact.sought import sought
from drafthart.generator.impact.source import SUFFIXES, source_places


@dataclass(frozen=True, slots=True)
class Impact:
    """What was found in a file. `size` is in bytes of code; in a source, of text.

    `nowhere` are differences that no place in a program can show; `remarks` say what limits the
    search.
    """

    name: str
    kind: str
    size: int
    report: Report
    places: tuple[Place, ...]
    nowhere: tuple[Finding, ...]
    remarks: tuple[str, ...]

    def of(self, certainty: Certainty) -> list[Place]:
        """The places that are so sure, the gravest first, then by address."""
        found = [it for it in self.places if it.mark.certainty is certainty]
        return sorted(found, key=lambda it: self.severity(it).rank)

    def severity(self, place: Place) -> Severity:
        """How grave the difference is for those for whom the report is."""
        return self.report.choice.severity(place.finding)

    def gravest(self) -> Severity | None:
        """The gravest severity of what is certain or likely; None if nothing is."""
        sure = (it for it in self.places if it.mark.certainty is not Certainty.POSSIBLE)
        return min(map(self.severity, sure), key=lambda it: it.rank, default=None)


def is_source(name: str) -> bool:
    """Is it assembler or C, by its name?"""
    return PurePath(name).suffix in SUFFIXES


def impact(
    report: Report,
    name: str,
    content: bytes,
    *,
    base: int | None = None,
    reading: Callable[[Image], Callable[[int], None]] = lambda image: lambda walked: None,
) -> Impact:
    """Where the findings of a report touch the file `name`, which holds `content`.

    `base` is where a flat binary lies. `reading` is told of the image and gives what is told how
    many bytes were walked. Raises `DrafthartError` for what is no program for RISC-V.
    """
    wanted = sought(report.comparison, report.findings)
    if is_source(name):
        if base is not None:
            raise DrafthartError(f"{name}: is a source; leave --base out")
        text = content.decode("utf-8", "replace")
        found = source_places(wanted, list(report.findings), name, text)
        return Impact(
            name, "source", len(content), report, tuple(found), _unseen(wanted.nowhere, found), ()
        )
    image = read_image(name, content, base, report.comparison.b.xlen)
    progress = reading(image)
    found = places(wanted, image, progress)
    nowhere = _unseen([*wanted.nowhere, *wanted.names], found)
    remarks = tuple(image.remarks)
    return Impact(name, image.kind, image.size, report, tuple(found), nowhere, remarks)


def _unseen(findings: Iterable[Finding], found: list[Place]) -> tuple[Finding, ...]:
    seen = {id(it.finding) for it in found}
    return tuple(it for it in findings if id(it) not in seen)
