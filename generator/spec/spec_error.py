"""How every error in a spec is put: where, what, what to do."""

from __future__ import annotations

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Place


class SpecError(DrafthartError):
    """A mistake at a place in a spec file."""

    def __init__(self, place: Place, what: str, remedy: str) -> None:
        super().__init__(f"{place}: {what}; {remedy}")
        self.place = place
