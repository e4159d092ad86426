"""What unratified drafts need in order to run; see README.md. Nothing outside may import it."""
