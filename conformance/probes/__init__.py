"""Small programs that try out one thing each and note all that came of it."""
