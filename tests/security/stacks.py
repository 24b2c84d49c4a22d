"""What the component makes, recorded: with its defaults, with everything that can be asked for, and on own parts."""

from collections.abc import Iterator, Mapping
from typing import Any

from spapi_rotation import ClientSecretRotation
from tests.component.recorder import ACCOUNT, REGION, Recording, Registered, client_id, deploy, deploy_component
from tests.component.test_component_own_keys_and_queue import (
    BOTH_KEYS,
    EXISTING,
    GOOD_QUEUE,
    QUEUE_ARN,
    QUEUE_KEY_ARN,
    URL,
)

OTHER_ACCOUNT = "210987654321"
_ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop-cluster"

EVERYTHING: Mapping[str, Any] = {
    "applications": {
        "shop": {"client_id": client_id(1), "readers": [f"arn:aws:iam::{OTHER_ACCOUNT}:role/jobs/batch"]},
        "outlet": {"client_id": client_id(2), "retired": True},
        "b2b": {"client_id": client_id(3), "rotate_on_up": "2026-01"},
        "adopted": {
            "client_id": client_id(4),
            "secret_arn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/amazon-AbC123",
            "secret_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        },
    },
    "via": "function",
    "readers": [f"arn:aws:iam::{ACCOUNT}:role/task", OTHER_ACCOUNT],
    "restart": {
        "orders": {"service_arn": f"{_ECS}/orders"},
        "reports": {"service_arn": f"{_ECS}/reports", "applications": ["shop"]},
    },
    "replica_regions": {"eu-west-1": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-1234abcd12ab34cd56ef1234567890ab"},
    "roles": {"permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/platform/boundary", "path": "/platform/"},
    "network": {
        "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "security_group_ids": ["sg-0123456789abcdef0"],
    },
    "rotation_window": {"start": "22:00", "end": "04:00", "days": ["SAT", "SUN"], "time_zone": "Europe/Berlin"},
    "reserved_concurrency": 5,
    "dashboard": True,
    "event_bus_arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/shop",
    "tags": {"team": "payments"},
}
"""Every part that adds a resource or a statement; ``keys`` and ``queue`` take some away: a stack of their own."""


_LETTERS = "Größe 日本 +-=._:/@"

LONGEST: Mapping[str, Any] = {
    "applications": {
        "a" * 64: {"client_id": f"amzn1.application-oa2-client.{'a' * 64}", "rotate_on_up": "t" * 128},
        "b" * 64: {
            "client_id": f"amzn1.application-oa2-client.{'b' * 64}",
            "secret_keys": {"client_id": "k" * 128, "client_secret": "l" * 128},
        },
    },
    "via": "function",
    "identity": "/".join(["i" * 49] * 4),
    "secret_prefix": "/".join(["p" * 99] * 4),
    "restart": {
        "s" * 64: {"service_arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/{'c' * 255}/{'s' * 255}"},
    },
    "readers": [f"arn:aws:iam::{ACCOUNT}:role/{'r' * 64}"],
    "roles": {"path": f"/{'/'.join(['p' * 100] * 5)}/"},
    "event_bus_arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{'b' * 256}",
    "runbook_url": f"https://example.com/{'r' * 130}",
    "dashboard": True,
    "rotate_every_days": 150,
    "check_interval_hours": 24,
    "log_retention_days": 3653,
    "expiry_alarm_days": 23,
    "reserved_concurrency": 1000,
    "tags": {
        **{f"{number} {_LETTERS}".ljust(128, "k"): _LETTERS.ljust(256, "v") for number in range(8)},
        **{str(number): "v" for number in range(40)},
    },
}
"""Names, texts and numbers at the end of what the component takes."""

OWN = {**EXISTING, URL: {**GOOD_QUEUE, "kmsMasterKeyId": QUEUE_KEY_ARN}}
"""Keys and a queue of the user's."""


def _with_everything() -> None:
    given: Any = EVERYTHING
    component = ClientSecretRotation("rotation", given)
    component.grant_read("worker")


def stacks() -> Mapping[str, Recording]:
    """The recordings, by what each is called in findings."""
    return {
        "defaults": deploy_component(),
        "everything": deploy(_with_everything),
        "longest": deploy_component(name="n" * 32, **LONGEST),
        "own": deploy_component(keys=BOTH_KEYS, queue={"arn": QUEUE_ARN}, existing=OWN),
    }


def aws_resources(recording: Recording) -> list[Registered]:
    """What AWS gets: neither the component itself, nor its guards, nor what Python does during ``up``."""
    return [each for each in recording.resources if each.type.startswith("aws:")]


def named_values(recording: Recording) -> Iterator[tuple[str, Registered, str]]:
    """What AWS gives a resource and others refer to it by: value, resource, and ``arn``, ``url`` or ``name``."""
    for each in aws_resources(recording):
        for attribute in ("arn", "url", "name"):
            value = each.outputs.get(attribute)
            if value is not None:
                yield str(value), each, attribute
