"""One Secrets Manager secret for each application without its own. Never its value: the program does not know one."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.adopted_secrets import AdoptedSecrets
from spapi_rotation.resources.leaving import explain_failure, leaving_options, merged
from spapi_rotation.scope import Scope
from spapi_rotation.validation.applications import ValidApplication


def create_secrets(
    scope: Scope,
    applications: Sequence[ValidApplication],
    *,
    prefix: pulumi.Input[str],
    key: aws.kms.Key,
    log_group: aws.cloudwatch.LogGroup,
    recovery_window_days: pulumi.Input[int],
    adopted: AdoptedSecrets | None,
) -> dict[str, pulumi.Output[str]]:
    """Make the secrets, named ``<prefix>/<client_id>``, of the applications that have none; return all their ARNs.

    The logical name comes from the client id, so that a renamed application keeps its secret.

    Returns:
        the ARN of each application's secret, made or existing, by the application's name.
    """
    existing = dict(adopted.secret_arns) if adopted else {}

    def make(application: ValidApplication) -> aws.secretsmanager.Secret:
        logical_name = f"{scope.name}-secret-{application.suffix}"
        return aws.secretsmanager.Secret(
            logical_name,
            name=pulumi.Output.concat(prefix, "/", application.client_id),
            description="Client credentials of an SP-API application, rotated unattended.",
            kms_key_id=key.arn,
            recovery_window_in_days=recovery_window_days,
            tags=scope.tagged(application=application.name),
            opts=merged(
                scope.options(protected=True, depends_on=[log_group]),
                leaving_options(application, secret=True),
                explain_failure(scope, application, logical_name),
            ),
        )

    made = {each.name: make(each).arn for each in applications if each.name not in existing}
    return existing | made
