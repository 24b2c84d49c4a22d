"""The function's archive and its locks."""
