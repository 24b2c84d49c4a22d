"""Rotates the client secrets of the applications that the stack's configuration names."""

import pulumi

try:
    from spapi_rotation import ClientSecretRotation
    from spapi_rotation.component import OUTPUTS
    from spapi_rotation.configuration import configured_arguments
except ModuleNotFoundError as error:
    mend = "pulumi install && .venv/bin/python -m pip install --no-deps -e ."
    raise pulumi.RunError(f"{error.name} is not installed. What to do, in this folder: {mend}") from None

rotation = ClientSecretRotation("rotation", configured_arguments())

for output in OUTPUTS:
    pulumi.export(output, getattr(rotation, output))
