"""Two resolved revisions in, their differences by item identity out."""
