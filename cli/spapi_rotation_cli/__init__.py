"""The command ``spapi-rotation``: a thin client of the deployed rotation function."""

__version__ = "0.1.0"
