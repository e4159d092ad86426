"""Random probes made from a revision, and the shortest of those that show something."""
