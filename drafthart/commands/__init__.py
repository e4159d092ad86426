"""The commands, one file each: a function for Typer, and EXAMPLES for its help and the tests."""
