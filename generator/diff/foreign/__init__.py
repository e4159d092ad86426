"""Files of others that state numbers of the ISA, and how they are held against a revision."""
