"""For the whole suite."""

from hypothesis import settings

# A deadline would test the machine's load, not the product.
settings.register_profile("drafthart", deadline=None)
settings.load_profile("drafthart")
