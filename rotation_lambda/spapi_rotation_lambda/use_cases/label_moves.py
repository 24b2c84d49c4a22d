"""What to do when a label, or a version, has moved under us: read again and start over, or tell a person."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import RotationError, StoreFailed
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import LabelMoved, Ports, VersionExists

T = TypeVar("T")

NATIVE_ROTATION_TAKES = timedelta(hours=1)
"""At most: its four steps are one call of a function each, of 15 minutes."""


def until_labels_stand_still(attempt: Callable[[], T | None], otherwise: RotationError, *, rounds: int = 10) -> T:
    """Make attempts, each on a new reading, until one comes to an end; None means that it must start over.

    Raises:
        RotationError: ``otherwise``, when the labels moved in every round.
    """
    for _ in range(rounds):
        try:
            result = attempt()
        except LabelMoved:
            continue
        if result is not None:
            return result
    raise otherwise


def reading(ports: Ports, application: Application, at_hand: Snapshot | None = None) -> Callable[[], Snapshot]:
    """What makes the reading of each attempt: the first one is the one at hand, if there is one."""
    left = [at_hand] if at_hand is not None else []
    return lambda: left.pop() if left else Snapshot(ports.store, application)


def labels_keep_moving(application: Application, remedy: str) -> StoreFailed:
    """The error after the last round."""
    return StoreFailed(f"{application.name}: the labels of {application.secret_id} keep moving.", remedy=remedy)


@contextmanager
def freeing(ports: Ports, snapshot: Snapshot, label: Label, *, since: datetime | None) -> Iterator[None]:
    """Where a label can't be moved since it sits on a version that no list shows, take it off that version.

    Args:
        since: since when what is to be labelled waits.

    Raises:
        LabelMoved: it is free now, or was elsewhere: start over.
        StoreFailed: a native rotation may be at work.
    """
    try:
        yield
    except LabelMoved:
        secret_id = snapshot.application.secret_id
        if snapshot.id_of(label) is not None:
            raise
        secret = ports.store.described(secret_id)
        holder, listed = secret.holders.get(label), ports.store.versions(secret_id)
        if holder is None or any(version.id == holder for version in listed.items):
            raise
        waits_long = since is not None and ports.clock.now() - since > NATIVE_ROTATION_TAKES
        if secret.rotates_natively and not waits_long:
            raise StoreFailed(
                f"{snapshot.application.name}: {label} is on a version without a value, and native rotation is on.",
                remedy="Nothing for now: it is retried. Switch Secrets Manager's own rotation of this secret off.",
            ) from None
        ports.telemetry.warning("label_of_empty_version_removed", snapshot.application, label=label, version_id=holder)
        ports.store.move(secret_id, label, to=None, away_from=holder)
        raise


@contextmanager
def telling_a_person(application: Application) -> Iterator[None]:
    """Turn what has moved under an operator action into an error with a remedy: the action is not repeated.

    Raises:
        StoreFailed: a label moved, or a version was there already.
    """
    try:
        yield
    except (LabelMoved, VersionExists):
        raise StoreFailed(
            f"{application.name}: the secret changed meanwhile; this action stopped half way or earlier.",
            remedy="Look at the state, then repeat the action if it is still wanted.",
        ) from None
