"""Applications from one list in the configuration, each at its endpoint: one component for each endpoint."""

from collections import defaultdict

import pulumi

from spapi_rotation import Application, ClientSecretRotation

endpoints: dict[str, dict[str, Application]] = defaultdict(dict)
for name, application in pulumi.Config().require_object("applications").items():
    endpoints[application.pop("endpoint")][name] = application

for endpoint, applications in endpoints.items():
    rotation = ClientSecretRotation(
        f"selling-partner-{endpoint}",
        {"applications": applications, "spapi_endpoint": endpoint},
    )
    pulumi.export(f"{endpoint}_queue_arn", rotation.queue_arn)
    pulumi.export(f"{endpoint}_function_name", rotation.function_name)
    pulumi.export(f"{endpoint}_secret_arns", rotation.secret_arns)
