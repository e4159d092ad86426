"""Drafthart in lockstep with another implementation, or with a trace of one."""
