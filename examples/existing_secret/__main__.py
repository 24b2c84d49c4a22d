"""An application whose credentials stay in a secret of yours, under your names of its keys."""

import pulumi

from spapi_rotation import ClientSecretRotation

config = pulumi.Config()

rotation = ClientSecretRotation(
    "selling-partner",
    {
        "applications": {
            "orders": {
                "client_id": config.require("client_id"),
                "secret_arn": config.require("secret_arn"),
                "secret_key_arn": config.require("secret_key_arn"),
                # python-amazon-sp-api reads these. Every other key of the secret is yours, and is carried over.
                "secret_keys": {"client_id": "LWA_APP_ID", "client_secret": "LWA_CLIENT_SECRET"},
            }
        },
        "spapi_endpoint": "NA",
    },
)

pulumi.export("queue_arn", rotation.queue_arn)
pulumi.export("function_name", rotation.function_name)
