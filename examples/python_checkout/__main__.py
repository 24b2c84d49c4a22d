"""One application, and the role that reads its secret."""

import json

import pulumi
import pulumi_aws as aws

from spapi_rotation import ClientSecretRotation

config = pulumi.Config()

rotation = ClientSecretRotation(
    "selling-partner",
    {
        "applications": {"shop": {"client_id": config.require("client_id")}},
        "spapi_endpoint": "NA",
    },
)

# What your application runs as: put the line with grant_read beside the role that you have.
trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
reader = aws.iam.Role("reader", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
rotation.grant_read(reader, "shop")

pulumi.export("queue_arn", rotation.queue_arn)
pulumi.export("function_name", rotation.function_name)
pulumi.export("secret_arn", rotation.secret_arns["shop"])
pulumi.export("reader_role", reader.name)
