"""The function's log group, which also makes sure that no other component has the same names."""

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.existing import EncryptionKey
from spapi_rotation.scope import Scope


def create_log_group(scope: Scope, key: EncryptionKey, retention_days: pulumi.Input[int]) -> aws.cloudwatch.LogGroup:
    """Make the log group. Everything else with a given name must depend on it.

    AWS refuses a log group that exists, so that a second deployment with the same identity ends before it could
    overwrite the first one's alarms: for CloudWatch an alarm of the same name is an update.
    """
    return aws.cloudwatch.LogGroup(
        f"{scope.name}-log",
        name=scope.log_group_name,
        retention_in_days=retention_days,
        kms_key_id=key.arn,
        tags=scope.tags,
        opts=scope.options(protected=True),
    )
