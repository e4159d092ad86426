"""The life of unratified features: the ledger, what is locked once ratified, and each step.

This is the machinery, and works where there is no staging/ folder. What is staged lies there.
"""
