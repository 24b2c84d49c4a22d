"""Errors that end a Pulumi program with one clear message and no stack trace (``pulumi.RunError``)."""

import pulumi

from spapi_rotation_lambda.domain.errors import BadSettings, RotationError


class InvalidArgument(BadSettings, pulumi.RunError):
    """An argument of the component is not usable; the message names it, ``remedy`` says what to do."""


class UnusableArchive(RotationError, pulumi.RunError):
    """The function archive is missing, or was not made from the modules and the lock beside it."""


class RotationInFlight(RotationError, pulumi.RunError):
    """An application cannot be retired yet: its rotation is not finished."""
