"""Rotates the client secrets of the applications that the stack's configuration names."""

import pulumi

from spapi_rotation import ClientSecretRotation
from spapi_rotation.component import OUTPUTS
from spapi_rotation.configuration import configured_arguments

rotation = ClientSecretRotation("rotation", configured_arguments())

for output in OUTPUTS:
    pulumi.export(output, getattr(rotation, output))
