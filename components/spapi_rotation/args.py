"""The arguments of the component: their types, which reach the package's schema."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NotRequired, TypeAlias, TypedDict

import pulumi

from spapi_rotation_lambda.domain.rotation_policy import Verification


class Via(StrEnum):
    """Who rotates when `rotate_on_up` is set or changed."""

    DYNAMIC = "dynamic"
    """`pulumi up` itself."""

    FUNCTION = "function"
    """The rotation function, which `pulumi up` invokes."""


# Pulumi infers the schema from what is here at run time, and knows enumerations but no literals.
if TYPE_CHECKING:
    VerificationChoice: TypeAlias = Verification | Literal["call", "lwa"]
    ViaChoice: TypeAlias = Via | Literal["dynamic", "function"]
else:
    VerificationChoice, ViaChoice = Verification, Via


class Application(TypedDict):
    """An SP-API application whose client secret is rotated."""

    client_id: str
    """The LWA client id of the application (`amzn1.application-oa2-client.…`), from the Developer Console."""

    rotate_on_up: NotRequired[pulumi.Input[str]]
    """A text of your choice. Each time it changes, `pulumi up` rotates the secret. Unset: `up` never rotates. Set it only after the queue is registered with Amazon."""  # noqa: E501

    retired: NotRequired[bool]
    """Whether the application leaves: nothing is checked or rotated any more, and its secret stays in AWS when the entry is removed in a later `pulumi up`. An error while a rotation is in flight. Default: false."""  # noqa: E501

    secret_arn: NotRequired[pulumi.Input[str]]
    """An existing secret that the application keeps: its complete ARN, in the account and region of the component. No secret is made then."""  # noqa: E501

    secret_key_arn: NotRequired[pulumi.Input[str]]
    """The customer-managed key that encrypts the existing secret: its ARN. Not needed for the AWS managed key."""

    secret_keys: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """How the secret's JSON names its keys, for a client that wants other names: a map from `client_id`, `client_secret`, `issued_at`, `expires_at`, `previous_expires_at`, `rotation_id`, `fingerprint` or `replaces` to your key. For an existing secret and for one that is made; not to be changed once credentials are in it."""  # noqa: E501

    readers: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Who else may read this application's secret, in this account or others: ARNs of roles, or ids of accounts in quotes. Not for an existing secret: its policy is its owner's."""  # noqa: E501


class RotationWindow(TypedDict):
    """Days and hours at which the schedule may ask Amazon for a new secret."""

    start: pulumi.Input[str]
    """When the window opens, local time, such as `22:00`."""

    end: pulumi.Input[str]
    """When it closes, local time. At or before `start` it closes on the next day."""

    days: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The days on which it opens: `MON`, `TUE`, `WED`, `THU`, `FRI`, `SAT`, `SUN`. Default: every day."""

    time_zone: NotRequired[pulumi.Input[str]]
    """Its IANA time zone, such as `Europe/Berlin`. Default: `UTC`."""


class RestartedService(TypedDict):
    """An ECS service that reads a secret at its start, and is redeployed when another one is in use."""

    service_arn: pulumi.Input[str]
    """The service, in the account and region of the component: `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`."""

    applications: NotRequired[Sequence[str]]
    """The applications whose secrets it reads, by their names in `applications`. Default: all of them."""


class Roles(TypedDict):
    """What bounds and places the roles that the component makes."""

    permissions_boundary: NotRequired[pulumi.Input[str]]
    """The ARN of the managed policy that bounds them. It must allow what the roles need, or rotation fails."""

    path: NotRequired[pulumi.Input[str]]
    """Their path in IAM, such as `/platform/`. A change makes new roles. Default: `/`."""


class Network(TypedDict):
    """Where in a VPC the function works. From there it must reach Amazon and the services of AWS that it calls."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The function's subnets, better in several zones, with a way out to the internet by a NAT gateway or a proxy."""

    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Its security groups, which let it out to port 443."""


class Keys(TypedDict):
    """Customer-managed keys that the component uses in place of its own, in its account and region."""

    secrets: NotRequired[pulumi.Input[str]]
    """The ARN of the key of secrets, function, log and alarms, and of every queue but the destination. Not to be changed once credentials are in a secret. Default: the component makes one."""  # noqa: E501

    queue: NotRequired[pulumi.Input[str]]
    """The ARN of the destination queue's key; its policy must let Amazon use it. With `queue`: the key that encrypts that. Default: the component makes one, but not with `queue`."""  # noqa: E501


class DestinationQueue(TypedDict):
    """A queue that is registered with Amazon already, or is to be, and that the component does not make."""

    arn: pulumi.Input[str]
    """Its ARN: a standard queue in the component's account and region. The component sets its redrive policy, and nothing else."""  # noqa: E501


class ClientSecretRotationArgs(TypedDict):
    """The arguments of ClientSecretRotation."""

    applications: dict[str, Application]
    """The applications, by a name of your choice. Renaming an entry replaces nothing: resources follow the client id."""  # noqa: E501

    identity: NotRequired[str | None]
    """What secrets, log group, alarms and tags are named by, unique in an account and region. Keep the old one when project, stack or component get another name. Default: `<project>/<stack>/<component name>`."""  # noqa: E501

    secret_prefix: NotRequired[pulumi.Input[str] | None]
    """First part of the secrets' names, `<secret_prefix>/<client_id>`. Default: `identity`."""

    spapi_endpoint: NotRequired[pulumi.Input[str]]
    """SP-API's endpoint: `NA`, `EU`, `FE` or an https URL. Default: `NA`."""

    lwa_endpoint: NotRequired[pulumi.Input[str]]
    """Token endpoint of Login with Amazon, an https URL. Default: `https://api.amazon.com/auth/o2/token`."""

    rotate_every_days: NotRequired[pulumi.Input[int]]
    """Age in days at which a secret is rotated, 8 to 150. Default: 60. A secret dies after 180 days."""

    check_interval_hours: NotRequired[pulumi.Input[int]]
    """Hours between two checks of an application, 1 to 24. Default: 1. Checks also recover and promote."""

    promote_delay_minutes: NotRequired[pulumi.Input[int]]
    """Minutes between the issue of a secret and its promotion when only a token proves it, 0 to 1440. Default: 45."""

    verification: NotRequired[pulumi.Input[VerificationChoice]]
    """How a received secret is proven before promotion: `call` (a token and one verification call) or `lwa` (a token and `promote_delay_minutes`). Default: `call`."""  # noqa: E501

    via: NotRequired[ViaChoice]
    """Who rotates when `rotate_on_up` is set or changed: `dynamic` (`pulumi up` itself, with the stack's AWS settings; it waits for the new secret) or `function` (the rotation function, with any AWS provider; `pulumi up` ends when the rotation is requested and never reads the secret). Default: `dynamic`, but in other languages than Python always `function`."""  # noqa: E501

    wait_seconds: NotRequired[pulumi.Input[int]]
    """How long `pulumi up` waits for the secret of a rotation that it started, 0 (not at all) to 3600. Not with `via: function`. Default: 300."""  # noqa: E501

    deletion_protection: NotRequired[bool]
    """Refuse to destroy the component, and to delete queues, keys, secrets, log or schedules in an update. Default: true."""  # noqa: E501

    secret_recovery_window_days: NotRequired[pulumi.Input[int]]
    """Days in which a deleted secret can be restored: 0 (none) or 7 to 30. Default: 30."""

    key_deletion_window_days: NotRequired[pulumi.Input[int]]
    """Days before a deleted key is gone, 7 to 30, and not less than `secret_recovery_window_days`. Default: 30."""

    log_retention_days: NotRequired[pulumi.Input[int]]
    """Days for which the function's log is kept, one of CloudWatch's own values. Default: 365."""

    # Plain as a whole, its parts are not: Pulumi's host for other languages takes an Output of an object for none.
    rotation_window: NotRequired[RotationWindow | None]
    """When the schedule may ask for a new secret. Checks, deliveries and promotions are not bound to it, nor is `rotate_on_up`. Default: at any time."""  # noqa: E501

    paused: NotRequired[pulumi.Input[bool]]
    """Whether the schedule asks for no new secret at all. Checks, deliveries and promotions go on; `rotate_on_up` still rotates. Default: false."""  # noqa: E501

    alarms: NotRequired[bool]
    """Whether CloudWatch alarms are made, one set for all applications. Default: true."""

    alarm_topic_arn: NotRequired[pulumi.Input[str] | None]
    """An SNS topic in the component's region for the alarms; it must let CloudWatch publish. Default: the component makes an encrypted one."""  # noqa: E501

    expiry_alarm_days: NotRequired[pulumi.Input[int]]
    """Days before a secret's expiry at which the alarm sounds, at least 7 days after a rotation is due. Default: 21."""

    runbook_url: NotRequired[str | None]
    """Where the runbook is that the alarms and the dashboard name: an https URL without a fragment, at most 150 characters. Default: the project's docs/runbook.md."""  # noqa: E501

    dashboard: NotRequired[bool]
    """Whether a CloudWatch dashboard is made, one for all applications. It costs 3 USD a month if the account has more than three, and each look at it a query of the function's log. Default: false."""  # noqa: E501

    event_bus_arn: NotRequired[pulumi.Input[str] | None]
    """An EventBridge bus in the component's region for its events, in this account or another; there its policy must let the function's role put events. Default: the account's default bus."""  # noqa: E501

    restart: NotRequired[Mapping[str, RestartedService] | None]
    """ECS services that read a secret at their start, by a name of your choice: each is redeployed once after every change of the secret in use, by an EventBridge rule and a Step Functions state machine. Default: none."""  # noqa: E501

    replica_regions: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Other regions in which the secrets that the component makes can be read: a map from the region to the ARN of a customer-managed key there. Default: none."""  # noqa: E501

    readers: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Who may read every secret that the component makes, in this account or others: ARNs of roles, or ids of accounts in quotes. Default: whom IAM policies of the component's account let."""  # noqa: E501

    roles: NotRequired[Roles | None]
    """What bounds and places the roles that the component makes. Default: nothing."""

    network: NotRequired[Network | None]
    """Where in a VPC the function works. Default: outside of every VPC."""

    keys: NotRequired[Keys | None]
    """Customer-managed keys of yours. Default: the component makes two."""

    queue: NotRequired[DestinationQueue | None]
    """A destination queue of yours, for which the policies of queue and key are compared with what Amazon needs. Default: the component makes one."""  # noqa: E501

    reserved_concurrency: NotRequired[pulumi.Input[int]]
    """How many runs of the function the account keeps free for it, and allows at a time: 0 (no limit, none kept free) or 3 to 1000. Default: 0."""  # noqa: E501

    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags for every taggable resource, merged over the component's own."""


PARTS: Mapping[str, type] = {
    "applications": Application,
    "rotation_window": RotationWindow,
    "roles": Roles,
    "network": Network,
    "keys": Keys,
    "queue": DestinationQueue,
    "restart": RestartedService,
}
"""The types of the arguments that have parts; that of one in NAMED is of each of them."""

NAMED = frozenset({"applications", "restart"})
"""The arguments whose parts stand under names of the user's choice."""
