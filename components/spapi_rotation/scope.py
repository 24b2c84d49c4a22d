"""What every part of a component shares: its place in AWS, its names, its tags and its resource options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from spapi_rotation.validation.arguments import PARTITION, validate_partition
from spapi_rotation.validation.inputs import MaybeOutput, raising_invalid_argument, validated
from spapi_rotation.validation.regions import unlisted_region, validate_region
from spapi_rotation.validation.tags import TAG_PREFIX, Tags
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.settings import alarm_prefix

_DEPLOY = "Deploy the component where the {} is, with a provider of its own if necessary."
_ELSEWHERE: Mapping[str, str] = {
    "secretsmanager": _DEPLOY.format("secret"),
    "kms": _DEPLOY.format("key"),
    "sqs": _DEPLOY.format("queue"),
    "ecs": "Restart services of the component's own account and region only. Elsewhere, restart them by the rotation "
    "event: docs/consumers.md has an example for another account.",
}
"""What to do about something that is elsewhere, by its AWS service."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The surroundings of the component's parts.

    Attributes:
        name: the component's name, first part of every logical name.
        identity: where given names and tags come from; unique within an account and region.
        component: the parent of every resource.
        account_id: the AWS account of the component's provider.
        region: its region.
        tags: for every taggable resource.
        deletion_protection: whether what holds secrets, or is registered with Amazon, is protected.
    """

    name: str
    identity: str
    component: pulumi.Resource
    account_id: pulumi.Output[str]
    region: pulumi.Output[str]
    tags: MaybeOutput[Tags]
    deletion_protection: bool

    def options(self, *, protected: bool = False, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Options of a child.

        Args:
            protected: whether deletion protection concerns this resource. Without it the component's own
                ``protect`` is inherited.
            depends_on: what must exist before.
        """
        return pulumi.ResourceOptions(
            parent=self.component,
            protect=True if protected and self.deletion_protection else None,
            depends_on=list(depends_on),
        )

    def arn(self, service: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
        """An ARN in this account and region."""
        return pulumi.Output.concat("arn:aws:", service, ":", self.region, ":", self.account_id, ":", resource)

    def tagged(self, **own: str) -> MaybeOutput[Tags]:
        """The tags with a few of the resource's own; the user's win."""
        return _merged(own, self.tags)

    @property
    def log_group_name(self) -> str:
        """Given, not generated, so that the key's policy can name exactly this log group.

        It is made before everything else with a given name, and AWS makes no second one of the same name. So the
        deployment of an identity that exists already ends here.
        """
        return f"/aws/lambda/{self.identity}"

    @property
    def alarm_prefix(self) -> str:
        """First part of the alarms' names, given so that a notification names stack and component."""
        return alarm_prefix(self.identity)


def make_scope(
    component: pulumi.Resource,
    name: str,
    tags: MaybeOutput[Tags],
    *,
    identity: str,
    deletion_protection: bool,
) -> Scope:
    """Ask AWS where we are, by the component's own provider.

    Raises:
        InvalidArgument: the region cannot be one, or the partition is not ``aws``; raised when it is known, during
            the preview.
    """
    configured = _configured_region(component)
    invoke = pulumi.InvokeOutputOptions(parent=component)
    partition = aws.get_partition_output(opts=invoke).partition.apply(validate_partition)
    region = aws.get_region_output(opts=invoke).region
    return Scope(
        name=name,
        identity=identity,
        component=component,
        account_id=aws.get_caller_identity_output(opts=invoke).account_id,
        # Through the partition, so that nothing is named in a region that was refused.
        region=pulumi.Output.all(partition, region, configured).apply(lambda all_: _known_region(component, all_[1])),
        tags=_merged({"identity": identity}, tags),
        deletion_protection=deletion_protection,
    )


def _configured_region(component: pulumi.Resource) -> pulumi.Input[str] | None:
    """The region that the program or its configuration names, validated before the provider has to find it."""
    provider = component.get_provider("aws:index/getRegion:getRegion")
    named: object = aws.config.region if provider is None else getattr(provider, "region", None)
    return None if named is None else validated(named, validate_region)


def _known_region(component: pulumi.Resource, region: str) -> str:
    if (said := unlisted_region(region)) is not None:
        pulumi.log.warn(said, component)
    return raising_invalid_argument(validate_region)(region)


def here(scope: Scope, arn: MaybeOutput[str], argument: str) -> pulumi.Output[str]:
    """The ARN of something that must be where the component is.

    Raises:
        InvalidArgument: from the output, during the preview: it is elsewhere.
    """
    place = pulumi.Output.all(arn, scope.region, scope.account_id)
    return place.apply(raising_invalid_argument(lambda each: _validate_place(argument, *map(str, each))))


def _validate_place(argument: str, arn: str, region: str, account: str) -> str:
    _, partition, service, its_region, its_account, *_ = arn.split(":")
    for what, its, own in (
        ("partition", partition, PARTITION),
        ("region", its_region, region),
        ("AWS account", its_account, account),
    ):
        if its != own:
            raise BadSettings(
                f"{argument} is in the {what} {its}, but the component is deployed to the {what} {own}.",
                remedy=_ELSEWHERE[service],
            )
    return arn


def default_identity(name: str) -> str:
    """``<project>/<stack>/<name>``: what a component is called when its user does not say."""
    return f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}"


def _merged(own: Mapping[str, str], given: MaybeOutput[Tags]) -> MaybeOutput[Tags]:
    prefixed = {f"{TAG_PREFIX}:{key}": text for key, text in own.items()}
    if isinstance(given, pulumi.Output):
        return given.apply(lambda tags: {**prefixed, **tags})
    return {**prefixed, **given}
