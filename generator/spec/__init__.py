"""The specs: loading, checking and resolving YAML into a typed ISA."""
