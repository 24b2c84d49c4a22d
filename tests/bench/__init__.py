"""Measures what the function and the component cost beside what cannot be done without: ``python -m tests.bench``."""
