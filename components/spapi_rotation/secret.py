"""One Secrets Manager secret for each application. Never its value: the program does not know one."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from spapi_rotation.checks import CheckedApplication
from spapi_rotation.scope import Scope


def create_secrets(
    scope: Scope,
    applications: Sequence[CheckedApplication],
    *,
    prefix: pulumi.Input[str],
    key: aws.kms.Key,
    recovery_window_days: pulumi.Input[int],
) -> dict[str, aws.secretsmanager.Secret]:
    """Make the secrets, named ``<prefix>/<client_id>``; returned by the application's name.

    The logical name comes from the client id, so that a renamed application keeps its secret.
    """
    return {
        application.name: aws.secretsmanager.Secret(
            f"{scope.name}-secret-{application.suffix}",
            name=pulumi.Output.concat(prefix, "/", application.client_id),
            description="Client credentials of an SP-API application, rotated unattended.",
            kms_key_id=key.arn,
            recovery_window_in_days=recovery_window_days,
            tags=scope.tagged(application=application.name),
            opts=scope.options(protected=True),
        )
        for application in applications
    }
