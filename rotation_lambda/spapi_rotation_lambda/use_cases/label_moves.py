"""What to do when a label, or a version, has moved under us: read again and start over, or tell a person."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import RotationError, StoreFailed
from spapi_rotation_lambda.ports import LabelMoved, VersionExists

T = TypeVar("T")


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


def labels_keep_moving(application: Application, remedy: str) -> StoreFailed:
    """The error after the last round."""
    return StoreFailed(f"{application.name}: the labels of {application.secret_id} keep moving.", remedy=remedy)


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
