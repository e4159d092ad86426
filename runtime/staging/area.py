"""Where a checkout keeps what is staged, and what is locked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.texts import SPECS

NAME = re.compile(r"[a-z][a-z0-9]*@[a-z0-9]+([.-][a-z0-9]+)*")
"""A feature's name is that of the revision that it stages."""


@dataclass(frozen=True, slots=True)
class Area:
    """A checkout, or the installed package, by its folder."""

    root: Path

    @property
    def specs(self) -> Path:
        """The folder of specs."""
        return self.root / "specs"

    @property
    def staging(self) -> Path:
        """The annex, which may be absent."""
        return self.root / "staging"

    @property
    def ledger(self) -> Path:
        """The file with every feature that ever was."""
        return self.staging / "ledger.yaml"

    @property
    def lock(self) -> Path:
        """The file with the public surface of what is ratified."""
        return self.specs / "ratified.lock"

    def manifest(self, feature: str) -> Path:
        """The file whose presence makes a feature run."""
        folder = re.sub(r"\W", "_", feature)
        return self.staging / "features" / folder / "manifest.yaml"

    def is_staged(self, feature: str) -> bool:
        """Does it run here, for who opts in?"""
        return self.manifest(feature).is_file()

    def staged(self) -> list[Path]:
        """The manifests of all that runs here."""
        return sorted(self.staging.glob("features/*/manifest.yaml"))


OWN = Area(SPECS.parent)
"""Drafthart's own."""


def area_at(root: Path | None, *, to_change: bool = False) -> Area:
    """The area in `root`, or else in the nearest checkout upwards, or else Drafthart's own.

    With `to_change` the last counts only where it is a checkout: an installed package stays as it
    is. Raises `DrafthartError` where there is none.
    """
    if root is not None:
        if not (root / "specs").is_dir():
            raise DrafthartError(f"{root}: has no specs/; name a checkout of Drafthart")
        return Area(root)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "specs").is_dir() and (folder / "staging" / "ledger.yaml").is_file():
            return Area(folder)
    if to_change and not (OWN.root / "pyproject.toml").is_file():
        raise DrafthartError(
            "no checkout of Drafthart here, and what is installed stays as it is; "
            "change to a checkout, or name one with --root"
        )
    return OWN
