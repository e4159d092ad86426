"""The native engine: C generated from the spec, compiled at first use."""
