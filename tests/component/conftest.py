"""Settings of the component's tests."""

import warnings

import pytest
from pulumi.runtime.sync_await import _ensure_event_loop


def pytest_configure(config: pytest.Config) -> None:
    """pulumi-aws warns about a deprecated class of its own when its Lambda module is imported."""
    config.addinivalue_line("filterwarnings", r"ignore:aws\.lambda/microvmsimage:DeprecationWarning")


@pytest.fixture(autouse=True)
def _event_loop() -> None:
    """Outputs and Pulumi's mocks want one: a thread has none to begin with (from Python 3.12 on), nor after another
    test's asyncio.run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        _ensure_event_loop()  # type: ignore[no-untyped-call]
