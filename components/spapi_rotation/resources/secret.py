"""One Secrets Manager secret for each application without its own. Never its value: the program does not know one."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.adopted_secrets import AdoptedSecrets
from spapi_rotation.resources.existing import EncryptionKey
from spapi_rotation.resources.leaving import explain_failure, leaving_options, merged
from spapi_rotation.scope import Scope
from spapi_rotation.validation.applications import ValidApplication
from spapi_rotation.validation.inputs import MaybeOutput, raising_invalid_argument
from spapi_rotation_lambda.domain.errors import BadSettings


def create_secrets(
    scope: Scope,
    applications: Sequence[ValidApplication],
    *,
    prefix: pulumi.Input[str],
    key: EncryptionKey,
    log_group: aws.cloudwatch.LogGroup,
    recovery_window_days: pulumi.Input[int],
    adopted: AdoptedSecrets | None,
    replica_regions: pulumi.Output[Mapping[str, str]] | None,
) -> dict[str, pulumi.Output[str]]:
    """Make the secrets, named ``<prefix>/<client_id>``, of the applications that have none; return all their ARNs.

    The logical name comes from the client id, so that a renamed application keeps its secret.

    Args:
        replica_regions: keys of other regions, by these; None if there are none.

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
            replicas=replica_regions.apply(_replicas) if replica_regions is not None else None,
            tags=scope.tagged(application=application.name),
            opts=merged(
                scope.options(protected=True, depends_on=[log_group]),
                leaving_options(application, secret=True),
                explain_failure(scope, application, logical_name),
            ),
        )

    made = {each.name: make(each).arn for each in applications if each.name not in existing}
    return existing | made


def replicas_elsewhere(
    scope: Scope, regions: MaybeOutput[Mapping[str, str]] | None
) -> pulumi.Output[Mapping[str, str]] | None:
    """Keys by the regions of the replicas; None if there are none.

    Raises:
        InvalidArgument: from the output, during the preview: one is the component's own region.
    """
    if regions is None:
        return None
    return pulumi.Output.all(regions, scope.region).apply(raising_invalid_argument(lambda both: _elsewhere(*both)))


def _elsewhere(regions: Mapping[str, str], own: str) -> Mapping[str, str]:
    if own in regions:
        raise BadSettings(
            f"replica_regions names {own}, which is the component's own region: the secrets themselves are there.",
            remedy="Leave it out, and name other regions only.",
        )
    return regions


def _replicas(regions: Mapping[str, str]) -> list[aws.secretsmanager.SecretReplicaArgs]:
    return [
        aws.secretsmanager.SecretReplicaArgs(region=region, kms_key_id=key) for region, key in sorted(regions.items())
    ]
