"""A comparison as a report: Markdown, HTML, JSON, JUnit, annotations."""
