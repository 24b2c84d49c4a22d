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
    """A text of your choice. Each time it changes, `pulumi up` rotates the secret. Unset: `up` never rotates. Set it only once the queue is registered with Amazon."""  # noqa: E501

    retired: NotRequired[bool]
    """Whether the application is leaving: it is no longer checked or rotated, and its secret stays in AWS when you remove the entry in a later `pulumi up`. An error while a rotation is in flight. Default: false."""  # noqa: E501

    secret_arn: NotRequired[pulumi.Input[str]]
    """An existing secret that the application keeps, by its complete ARN, in the account and region of the component. The component then creates none."""  # noqa: E501

    secret_key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of the customer-managed key that encrypts the existing secret. Not needed for the AWS managed key."""

    secret_keys: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """The names of the keys in the secret's JSON, for a client that expects other names: a map from `client_id`, `client_secret`, `issued_at`, `expires_at`, `previous_expires_at`, `rotation_id`, `fingerprint` or `replaces` to your name. For existing and new secrets. Do not change it once the secret holds credentials."""  # noqa: E501

    readers: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Who else may read this application's secret: role ARNs or account ids (in quotes), in this account or others. Not for an existing secret, whose policy is its owner's."""  # noqa: E501


class RotationWindow(TypedDict):
    """When the schedule may request a new secret from Amazon."""

    start: pulumi.Input[str]
    """When the window opens, local time, such as `22:00`."""

    end: pulumi.Input[str]
    """When it closes, local time. If not after `start`, it closes on the next day."""

    days: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The days on which it opens: `MON`, `TUE`, `WED`, `THU`, `FRI`, `SAT`, `SUN`. Default: every day."""

    time_zone: NotRequired[pulumi.Input[str]]
    """Its IANA time zone, such as `Europe/Berlin`. Default: `UTC`."""


class RestartedService(TypedDict):
    """An ECS service that reads a secret when it starts, and is redeployed after each rotation."""

    service_arn: pulumi.Input[str]
    """The service, in the account and region of the component: `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`."""

    applications: NotRequired[Sequence[str]]
    """The applications whose secrets it reads, by their names in `applications`. Default: all of them."""


class Roles(TypedDict):
    """Permissions boundary and path of the roles that the component creates."""

    permissions_boundary: NotRequired[pulumi.Input[str]]
    """The ARN of a managed policy that bounds the roles. It must allow what they need, or rotation fails."""

    path: NotRequired[pulumi.Input[str]]
    """Their path in IAM, such as `/platform/`. A change replaces the roles. Default: `/`."""


class Network(TypedDict):
    """Where in a VPC the function runs. It must be able to reach Amazon and the AWS services that it calls from there."""  # noqa: E501

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The function's subnets, preferably in several zones, with internet access by a NAT gateway or a proxy."""

    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Its security groups, which must allow outbound traffic to port 443."""


class Keys(TypedDict):
    """Customer-managed keys that the component uses instead of creating its own, in its account and region."""

    secrets: NotRequired[pulumi.Input[str]]
    """The ARN of the key for secrets, function, log and alarms, and for every queue but the destination. Do not change it once a secret holds credentials. Default: the component creates one."""  # noqa: E501

    queue: NotRequired[pulumi.Input[str]]
    """The ARN of the destination queue's key; its policy must let Amazon use it. With `queue`: the key that encrypts that queue. Default: the component creates one, but not with `queue`."""  # noqa: E501


class DestinationQueue(TypedDict):
    """A queue of yours that is, or will be, registered with Amazon."""

    arn: pulumi.Input[str]
    """The ARN of a standard queue in the component's account and region. The component sets its redrive policy, and nothing else."""  # noqa: E501


class ClientSecretRotationArgs(TypedDict):
    """The arguments of ClientSecretRotation."""

    applications: dict[str, Application]
    """The applications, by a name of your choice. Renaming an entry replaces nothing: resources follow the client id."""  # noqa: E501

    identity: NotRequired[str | None]
    """The name that secrets, log group, alarms and tags are based on, unique in an account and region. Keep it when you rename project, stack or component. Default: `<project>/<stack>/<component name>`."""  # noqa: E501

    secret_prefix: NotRequired[pulumi.Input[str] | None]
    """First part of the secrets' names: `<secret_prefix>/<client_id>`. Default: `identity`."""

    spapi_endpoint: NotRequired[pulumi.Input[str]]
    """The SP-API endpoint: `NA`, `EU`, `FE` or an https URL. Default: `NA`."""

    lwa_endpoint: NotRequired[pulumi.Input[str]]
    """The token endpoint of Login with Amazon, an https URL. Default: `https://api.amazon.com/auth/o2/token`."""

    rotate_every_days: NotRequired[pulumi.Input[int]]
    """Age in days at which a secret is rotated, 8 to 150. Default: 60. A secret dies after 180 days."""

    check_interval_hours: NotRequired[pulumi.Input[int]]
    """Hours between two checks of an application, 1 to 24. Default: 1. Checks also recover and promote."""

    promote_delay_minutes: NotRequired[pulumi.Input[int]]
    """Minutes from the issue of a secret to its promotion where only a token verifies it, 0 to 1440. Default: 45."""

    verification: NotRequired[pulumi.Input[VerificationChoice]]
    """How a received secret is verified before promotion: `call` (a token and one verification call) or `lwa` (a token and `promote_delay_minutes`). Default: `call`."""  # noqa: E501

    via: NotRequired[ViaChoice]
    """Who rotates when `rotate_on_up` is set or changed: `dynamic` (`pulumi up` itself, with the stack's AWS settings; it waits for the new secret) or `function` (the rotation function, with any AWS provider; `pulumi up` ends when the rotation is requested and never reads the secret). Default: `dynamic`; in languages other than Python always `function`."""  # noqa: E501

    wait_seconds: NotRequired[pulumi.Input[int]]
    """How long `pulumi up` waits for the secret of a rotation that it started, 0 (not at all) to 3600. Not with `via: function`. Default: 300."""  # noqa: E501

    deletion_protection: NotRequired[bool]
    """Whether to refuse to destroy the component, or to delete queues, keys, secrets, log or schedules in an update. Default: true."""  # noqa: E501

    secret_recovery_window_days: NotRequired[pulumi.Input[int]]
    """Days during which a deleted secret can be restored: 0 (none) or 7 to 30. Default: 30."""

    key_deletion_window_days: NotRequired[pulumi.Input[int]]
    """Days before a deleted key is gone, 7 to 30, and not less than `secret_recovery_window_days`. Default: 30."""

    log_retention_days: NotRequired[pulumi.Input[int]]
    """Days for which the function's log is kept, one of the values that CloudWatch allows. Default: 365."""

    # Plain as a whole, its parts are not: Pulumi's host for other languages takes an Output of an object for none.
    rotation_window: NotRequired[RotationWindow | None]
    """When the schedule may request a new secret. It does not limit checks, deliveries, promotions or `rotate_on_up`. Default: at any time."""  # noqa: E501

    paused: NotRequired[pulumi.Input[bool]]
    """Whether to keep the schedule from requesting new secrets. Checks, deliveries and promotions continue; `rotate_on_up` still rotates. Default: false."""  # noqa: E501

    alarms: NotRequired[bool]
    """Whether to create CloudWatch alarms, one set for all applications. Default: true."""

    alarm_topic_arn: NotRequired[pulumi.Input[str] | None]
    """An SNS topic in the component's region for the alarms; it must let CloudWatch publish. Default: the component creates an encrypted one."""  # noqa: E501

    expiry_alarm_days: NotRequired[pulumi.Input[int]]
    """How many days before a secret's expiry the alarm sounds; that must be at least 7 days after a rotation is due. Default: 21."""  # noqa: E501

    runbook_url: NotRequired[str | None]
    """The runbook that the alarms and the dashboard link to: an https URL without a fragment, at most 150 characters. Default: the project's docs/runbook.md."""  # noqa: E501

    dashboard: NotRequired[bool]
    """Whether to create a CloudWatch dashboard, one for all applications. It costs 3 USD a month if the account has more than three, and each view queries the function's log. Default: false."""  # noqa: E501

    event_bus_arn: NotRequired[pulumi.Input[str] | None]
    """An EventBridge bus in the component's region for its events. The policy of a bus in another account must let the function's role put events. Default: the account's default bus."""  # noqa: E501

    restart: NotRequired[Mapping[str, RestartedService] | None]
    """ECS services that read a secret when they start, by a name of your choice. Each is redeployed once whenever the secret in use changes, by an EventBridge rule and a Step Functions state machine. Default: none."""  # noqa: E501

    replica_regions: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Regions to which the component replicates the secrets that it creates: a map from the region to the ARN of a customer-managed key there. Default: none."""  # noqa: E501

    readers: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Who may read every secret that the component creates: role ARNs or account ids (in quotes), in this account or others. Default: whoever IAM policies of the component's account allow."""  # noqa: E501

    roles: NotRequired[Roles | None]
    """Permissions boundary and path of the roles that the component creates. Default: nothing."""

    network: NotRequired[Network | None]
    """Where in a VPC the function runs. Default: outside any VPC."""

    keys: NotRequired[Keys | None]
    """Your own customer-managed keys. Default: the component creates two."""

    queue: NotRequired[DestinationQueue | None]
    """Your own destination queue; the preview compares the policies of queue and key with what Amazon needs. Default: the component creates one."""  # noqa: E501

    reserved_concurrency: NotRequired[pulumi.Input[int]]
    """Concurrency reserved for the function, which also limits it: 0 (none) or 3 to 1000. Default: 0."""

    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags for every taggable resource, merged over the component's own. Default: none."""


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
