"""For the whole suite."""

import os

from hypothesis import settings

# A deadline would test the machine's load, not the product.
settings.register_profile("drafthart", deadline=None)
settings.load_profile("drafthart")

# To compile each revision that a command runs once would take longer than the suite; tests of the
# native engine ask for it, and the environment `native` of tox leaves the choice to `run`.
os.environ.setdefault("DRAFTHART_ENGINE", "python")
