"""What the corrections are told by environment variables."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the corrections.

    Attributes:
        hour_seconds: how many seconds an hour of ``rate(N hours)`` lasts (``SANDBOX_HOUR_SECONDS``).
        version_age_seconds: how old an unlabelled version of a secret must be before Secrets Manager may
            remove it (``SANDBOX_VERSION_AGE_SECONDS``).
        function_python: the interpreter for functions (``SANDBOX_FUNCTION_PYTHON``).
        calls_file: where every request is recorded; nowhere if not given (``SANDBOX_CALLS_FILE``).
    """

    hour_seconds: float
    version_age_seconds: float
    function_python: str
    calls_file: Path | None

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Self:
        """Read the variables and take them away, so that functions do not inherit them."""
        return cls(
            hour_seconds=float(environ.pop("SANDBOX_HOUR_SECONDS")),
            version_age_seconds=float(environ.pop("SANDBOX_VERSION_AGE_SECONDS")),
            function_python=environ.pop("SANDBOX_FUNCTION_PYTHON"),
            calls_file=Path(file) if (file := environ.pop("SANDBOX_CALLS_FILE", "")) else None,
        )
