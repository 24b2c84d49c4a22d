"""One module for each tool: what it is given, and what it finds."""
