"""Two applications in two regions, and who reads their secrets: an ECS service, a function and another account."""

import json

import pulumi
import pulumi_aws as aws

from spapi_rotation import ClientSecretRotation, Roles

config = pulumi.Config()
protected = config.get_bool("deletion_protection", True)
boundary = config.require("permissions_boundary")
roles: Roles = {"permissions_boundary": boundary, "path": "/marketplace/"}
place = f"{aws.get_region().region}:{aws.get_caller_identity().account_id}"
in_europe = aws.Provider("europe", region="eu-west-1")


def role(name: str, service: str) -> aws.iam.Role:
    """A role for a service of AWS, bounded like every other one."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return aws.iam.Role(
        name,
        assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        permissions_boundary=boundary,
        path="/marketplace/",
    )


# In the stack's own region, under a key that exists already. A role of another account may read the secret. An ECS
# service that reads it at its start is redeployed after each rotation; it is named by a text, because its tasks name
# the secret.
america = ClientSecretRotation(
    "america",
    {
        "applications": {
            "orders": {"client_id": config.require("orders_client_id"), "readers": [config.require("analysts_role")]}
        },
        "spapi_endpoint": "NA",
        "roles": roles,
        "keys": {"secrets": config.require("key_arn")},
        "restart": {"orders": {"service_arn": f"arn:aws:ecs:{place}:service/marketplace/orders"}},
        "deletion_protection": protected,
    },
)
orders = role("orders", "ecs-tasks.amazonaws.com")
america.grant_read(orders, "orders")
cluster = aws.ecs.Cluster("marketplace", name="marketplace")
task = aws.ecs.TaskDefinition(
    "orders",
    family="orders",
    requires_compatibilities=["FARGATE"],
    network_mode="awsvpc",
    cpu="256",
    memory="512",
    execution_role_arn=orders.arn,
    container_definitions=pulumi.Output.json_dumps(
        [
            {
                "name": "orders",
                "image": config.require("orders_image"),
                "secrets": [
                    {
                        "name": f"LWA_{key.upper()}",
                        "valueFrom": pulumi.Output.concat(america.secret_arns["orders"], f":{key}::"),
                    }
                    for key in ("client_id", "client_secret")
                ],
            }
        ]
    ),
)
aws.ecs.Service(
    "orders",
    name="orders",
    cluster=cluster.arn,
    task_definition=task.arn,
    launch_type="FARGATE",
    desired_count=config.get_int("orders_tasks", 0),
    network_configuration={
        "subnets": config.require_object("subnets"),
        "security_groups": config.require_object("security_groups"),
    },
)

# In another region, with keys of its own. A Lambda function reads the secret whenever it runs: nothing to restart.
europe = ClientSecretRotation(
    "europe",
    {
        "applications": {"prices": {"client_id": config.require("prices_client_id")}},
        "spapi_endpoint": "EU",
        "roles": roles,
        "deletion_protection": protected,
    },
    pulumi.ResourceOptions(provider=in_europe),
)
prices = role("prices", "lambda.amazonaws.com")
europe.grant_read(prices, "prices")
log = aws.cloudwatch.LogGroup("prices", retention_in_days=30, opts=pulumi.ResourceOptions(provider=in_europe))
write = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"]}
aws.iam.RolePolicy(
    "prices-log",
    role=prices.name,
    policy=pulumi.Output.json_dumps(
        {"Version": "2012-10-17", "Statement": [write | {"Resource": pulumi.Output.concat(log.arn, ":*")}]}
    ),
)
function = aws.lambda_.Function(
    "prices",
    runtime="python3.13",
    handler="handler.handle",
    code=pulumi.FileArchive("worker"),
    role=prices.arn,
    timeout=30,
    environment={"variables": {"SECRET_ARN": europe.secret_arns["prices"]}},
    logging_config={"log_format": "Text", "log_group": log.name},
    opts=pulumi.ResourceOptions(provider=in_europe),
)

for name, rotation in (("america", america), ("europe", europe)):
    pulumi.export(f"{name}_queue_arn", rotation.queue_arn)
    pulumi.export(f"{name}_queue_url", rotation.queue_url)
    pulumi.export(f"{name}_secret_arns", rotation.secret_arns)
    pulumi.export(f"{name}_function_name", rotation.function_name)
    pulumi.export(f"{name}_reader_policy_json", rotation.reader_policy_json)
pulumi.export("prices_function_name", function.name)
