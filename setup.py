"""Maps the top-level folders onto the import package `drafthart`.

Everything else is in pyproject.toml. The floors that exist are packaged: the product installs
with staging/ removed.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FLOORS = ["generator", "runtime", "conformance", "staging"]
DATA = ["specs", "examples"]


class FreshBuild(build_py):
    """Builds from nothing: what an earlier build left behind must not get into a wheel."""

    def run(self) -> None:
        """Build."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


def packages(folder: str, name: str) -> list[str]:
    """`name` and its sub-packages, for a folder with an __init__.py."""
    found = sorted(path.parent for path in Path(folder).rglob("__init__.py"))
    return [".".join([name, *path.relative_to(folder).parts]) for path in found]


floors = [floor for floor in FLOORS if Path(floor, "__init__.py").exists()]
setup(
    cmdclass={"build_py": FreshBuild},
    packages=[
        *packages("drafthart", "drafthart"),
        *(name for floor in floors for name in packages(floor, f"drafthart.{floor}")),
        *(f"drafthart.{data}" for data in DATA),
    ],
    package_dir={
        "drafthart": "drafthart",
        **{f"drafthart.{name}": name for name in [*floors, *DATA]},
    },
    include_package_data=False,  # else folders of data count as packages that are not listed
    package_data={
        "drafthart": ["py.typed"],
        "drafthart.conformance": [
            "*.yaml",
            "targets/*.yaml",
            "probes/*.S",
            "riscof/*.*",
            "riscof/env/*",
        ],
        "drafthart.conformance.mutation": ["*.yaml"],
        "drafthart.generator.diff": ["*.yaml"],
        "drafthart.generator.emit": ["templates/*.j2", "fusion.yaml"],
        "drafthart.generator.emit.exports": ["*.yaml"],
        "drafthart.runtime.native": ["*.h"],
        "drafthart.specs": ["**/*.yaml", "**/*.json", "ratified.lock"],
        "drafthart.staging": ["**/*.yaml"],
        "drafthart.examples": ["**/*.S", "**/*.inc", "**/*.c", "**/*.h"],
    },
)
