"""A folder of specs for each test."""

from pathlib import Path

import pytest
from spec_folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
