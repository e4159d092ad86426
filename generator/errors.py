"""The one exception that users meet."""


class DrafthartError(Exception):
    """A user's mistake or bad input: one line that says what, where and what to do."""
