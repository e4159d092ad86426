"""Files for other tools, each in the form that its readers know, from one tabulation."""
