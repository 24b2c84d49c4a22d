"""Rotates the client secrets of the applications that the stack's configuration names."""

from typing import cast

import pulumi

from spapi_rotation import ClientSecretRotation, Verification, Via
from spapi_rotation.component import OUTPUTS

config = pulumi.Config()

rotation = ClientSecretRotation(
    "rotation",
    {
        "applications": config.require_object("applications"),
        "secret_prefix": config.get("secret_prefix") or None,
        "spapi_endpoint": config.require("spapi_endpoint"),
        "lwa_endpoint": config.require("lwa_endpoint"),
        "rotate_every_days": config.require_int("rotate_every_days"),
        "check_interval_hours": config.require_int("check_interval_hours"),
        "promote_delay_minutes": config.require_int("promote_delay_minutes"),
        "verification": cast(Verification, config.require("verification")),
        "via": cast(Via, config.require("via")),
        "wait_seconds": config.require_int("wait_seconds"),
        "deletion_protection": config.require_bool("deletion_protection"),
        "secret_recovery_window_days": config.require_int("secret_recovery_window_days"),
        "key_deletion_window_days": config.require_int("key_deletion_window_days"),
        "log_retention_days": config.require_int("log_retention_days"),
        "rotation_window": config.require_object("rotation_window") or None,
        "paused": config.require_bool("paused"),
        "alarms": config.require_bool("alarms"),
        "alarm_topic_arn": config.get("alarm_topic_arn") or None,
        "expiry_alarm_days": config.require_int("expiry_alarm_days"),
        "tags": config.require_object("tags"),
    },
)

for output in OUTPUTS:
    pulumi.export(output, getattr(rotation, output))
