"""Emitters: a resolved ISA in, text out, the same bytes for the same ISA."""
