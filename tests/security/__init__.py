"""Scanners that this project did not write, on what the component makes and does; ``python -m tests.security``."""
