"""Where the differences between two revisions touch a program: its code, or its source."""
