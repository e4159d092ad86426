"""How much the probes see: faults planted in the spec, and which of them are found."""
