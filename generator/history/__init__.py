"""Items through all drafts, and the manual's history past the newest of them."""
