"""The command ``spapi-rotation``: a thin client of the deployed rotation function."""
