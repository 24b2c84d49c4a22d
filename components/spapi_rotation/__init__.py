"""Rotate an Amazon Selling Partner API client secret, unattended, with Pulumi on AWS."""

from spapi_rotation.args import (
    Application,
    ClientSecretRotationArgs,
    DestinationQueue,
    Keys,
    Network,
    RestartedService,
    Roles,
    RotationWindow,
    Via,
)
from spapi_rotation.component import ClientSecretRotation
from spapi_rotation.errors import InvalidArgument, UnusableArchive
from spapi_rotation_lambda.domain.rotation_policy import Verification

__all__ = [
    "Application",
    "ClientSecretRotation",
    "ClientSecretRotationArgs",
    "DestinationQueue",
    "InvalidArgument",
    "Keys",
    "Network",
    "RestartedService",
    "Roles",
    "RotationWindow",
    "UnusableArchive",
    "Verification",
    "Via",
]
