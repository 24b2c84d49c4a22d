"""The arguments of the component: their types, which reach the package's schema."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi

from rotation_lambda.settings import Verification


class Application(TypedDict):
    """An SP-API application whose client secret is rotated."""

    client_id: str
    """The LWA client id of the application (`amzn1.application-oa2-client.…`), from the Developer Console."""

    rotate_on_up: NotRequired[pulumi.Input[str]]
    """A text of your choice. Each time it changes, `pulumi up` rotates the secret. Unset: `up` never rotates. Set it only after the queue is registered with Amazon."""  # noqa: E501


class ClientSecretRotationArgs(TypedDict):
    """The arguments of ClientSecretRotation."""

    applications: dict[str, Application]
    """The applications, by a name of your choice. Renaming an entry replaces nothing: resources follow the client id."""  # noqa: E501

    secret_prefix: NotRequired[pulumi.Input[str] | None]
    """First part of the secrets' names, `<secret_prefix>/<client_id>`. Default: `<project>/<stack>/<component name>`."""  # noqa: E501

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

    verification: NotRequired[pulumi.Input[Verification]]
    """How a received secret is proven before promotion: `call` (a token and one harmless call) or `lwa` (a token and `promote_delay_minutes`). Default: `call`."""  # noqa: E501

    wait_seconds: NotRequired[pulumi.Input[int]]
    """How long `pulumi up` waits for the secret of a rotation that it started, 0 (not at all) to 3600. Default: 300."""

    deletion_protection: NotRequired[bool]
    """Protect the queue, its dead-letter queue, the key and the secrets from deletion. Default: true."""

    secret_recovery_window_days: NotRequired[pulumi.Input[int]]
    """Days in which a deleted secret can be restored: 0 (none) or 7 to 30. Default: 30."""

    key_deletion_window_days: NotRequired[pulumi.Input[int]]
    """Days before a deleted key is gone, 7 to 30, and not less than `secret_recovery_window_days`. Default: 30."""

    log_retention_days: NotRequired[pulumi.Input[int]]
    """Days for which the function's log is kept, one of CloudWatch's own values. Default: 365."""

    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags for every taggable resource, merged over the component's own."""
