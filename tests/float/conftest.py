"""The C arithmetic, compiled once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from float_native import Arithmetic, compile_arithmetic


@pytest.fixture(scope="session")
def soft(tmp_path_factory: pytest.TempPathFactory) -> Arithmetic:
    """`float.h` with integers alone."""
    return compile_arithmetic(tmp_path_factory.mktemp("float"), "soft", "-DFLOAT_NO_HOST")


@pytest.fixture(scope="session", params=["plain", "with the host's own fused operation"])
def fast(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Arithmetic:
    """`float.h` as engines have it."""
    options = []
    if request.param != "plain":
        if " fma " not in _cpu_flags():
            pytest.skip("this processor has none")
        options = ["-mfma"]
    return compile_arithmetic(tmp_path_factory.mktemp("float"), "fast", *options)


def _cpu_flags() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    return next((line + " " for line in text.splitlines() if line.startswith("flags")), "")
