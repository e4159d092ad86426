"""From YAML to a resolved ISA, and from there to everything that is generated."""
