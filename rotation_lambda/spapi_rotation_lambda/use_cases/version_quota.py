"""Secrets Manager's quota of versions: what is written often is noticed, and what Amazon sends keeps its room.

Source: Secrets Manager guide, "AWS Secrets Manager quotas": about 100 versions; those without labels are removed beyond
that, but none that is younger than 24 hours.
"""

from datetime import timedelta

from spapi_rotation_lambda.domain.errors import TooManyVersions
from spapi_rotation_lambda.domain.labels import Versions
from spapi_rotation_lambda.domain.rules import Asked, dies_soon
from spapi_rotation_lambda.ports import Ports

YOUNG = timedelta(hours=24)
"""Younger versions are never removed."""

MANY = 60
"""From so many young versions on, the rest is for what Amazon sends."""


def young_versions(ports: Ports, secret_id: str) -> int:
    """How many versions were written within the last 24 hours. Raises StoreFailed."""
    return ports.store.versions_and_young(secret_id, ports.clock.now() - YOUNG)[1]


def require_room(ports: Ports, asked: Asked) -> Versions | None:
    """Raise TooManyVersions while the room is for what Amazon sends, unless the secret in use dies within 30 days.

    Returns:
        the labelled versions as the look at it has found them; None where none was needed.
    """
    if dies_soon(asked):
        return None
    secret_id = asked.snapshot.application.secret_id
    versions, young = ports.store.versions_and_young(secret_id, asked.now - YOUNG)
    if young >= MANY:
        raise TooManyVersions(
            f"{asked.name}: {young} versions of the secret were written within 24 hours, and Secrets Manager allows "
            "about 100.",
            remedy="Find what writes this secret so often, such as a job that sets its value at every run. Only an "
            "explicit force passes: spapi-rotation rotate --force.",
        )
    return versions
