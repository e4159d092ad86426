"""For the whole suite."""

import os

import pytest
from hypothesis import settings

from drafthart.runtime.staging.area import OWN

# A deadline would test the machine's load, not the product.
settings.register_profile("drafthart", deadline=None)
settings.load_profile("drafthart")

# To compile each revision that a command runs once would take longer than the suite; tests of the
# native engine ask for it, and the environment `native` of tox leaves the choice to `run`.
os.environ.setdefault("DRAFTHART_ENGINE", "python")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what runs drafts where none is staged: the rest of the product stands without."""
    if OWN.ledger.is_file():
        return
    for item in items:
        if item.get_closest_marker("staged"):
            item.add_marker(pytest.mark.skip(reason="nothing is staged here"))
