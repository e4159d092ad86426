"""What implementations are held to: rules, the tests that name them, and reports."""
