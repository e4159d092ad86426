"""Campaigns: independent jobs whose results are kept as they arrive."""
