"""Settings of the component's tests."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """pulumi-aws warns about a deprecated class of its own when its Lambda module is imported."""
    config.addinivalue_line("filterwarnings", r"ignore:aws\.lambda/microvmsimage:DeprecationWarning")
