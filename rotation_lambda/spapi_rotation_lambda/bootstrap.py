"""Puts real adapters behind the ports, for the function and for ``pulumi up``."""

import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from botocore.config import Config

from spapi_rotation_lambda.adapters.eventbridge import EventBridgeAnnouncer
from spapi_rotation_lambda.adapters.scheduler import EventBridgeSchedules
from spapi_rotation_lambda.adapters.secrets_manager import SecretsManagerStore
from spapi_rotation_lambda.adapters.sqs import SqsDeadLetterQueue, SqsQueue, SqsUnclaimedQueue
from spapi_rotation_lambda.ports import Amazon, Ports, Telemetry
from spapi_rotation_lambda.settings import Settings

if TYPE_CHECKING:
    import boto3

    from spapi_rotation_lambda.adapters.aws_session import BotocoreSession
    from spapi_rotation_lambda.surroundings import Log, Surroundings

_RETRIES = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=15)
_BRIEFLY = Config(retries={"mode": "standard", "max_attempts": 1}, connect_timeout=3, read_timeout=5)
"""For announcements: nothing waits long for them."""


class SystemClock:
    """The Clock port on the machine's clock."""

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def build(session: "boto3.Session | BotocoreSession", settings: Settings, telemetry: Telemetry) -> Ports:
    """Make the ports on a session of AWS, acting in the session's region.

    Only Secrets Manager's client is made at once: it takes long to make one, and a check at rest needs no other.
    """

    @cache
    def amazon() -> Amazon:
        from spapi_rotation_lambda.adapters.amazon import AmazonClient

        return AmazonClient(settings.lwa_endpoint, settings.spapi_endpoint)

    @cache
    def surroundings() -> "Surroundings":
        from spapi_rotation_lambda.adapters.surroundings import AwsSurroundings

        return AwsSurroundings(session, _RETRIES, settings.alarm_prefix, os.environ, settings.queue_url)

    @cache
    def log() -> "Log":
        from spapi_rotation_lambda.adapters.logs import GROUP_VARIABLE, CloudWatchLog

        client = cache(lambda: session.client("logs", config=_RETRIES))
        return CloudWatchLog(client, os.environ.get(GROUP_VARIABLE, ""))

    sqs = cache(lambda: session.client("sqs", config=_RETRIES))
    kms = cache(lambda: session.client("kms", config=_RETRIES))
    events = cache(lambda: session.client("events", config=_BRIEFLY))
    scheduler = cache(lambda: session.client("scheduler", config=_RETRIES))
    return Ports(
        clock=SystemClock(),
        store=SecretsManagerStore(session.client("secretsmanager", config=_RETRIES)),
        queue=SqsQueue(sqs, kms, settings.queue_url, settings.dead_letter_queue_url),
        dead_letters=SqsDeadLetterQueue(sqs, settings.dead_letter_queue_url),
        unclaimed=SqsUnclaimedQueue(sqs, settings.unclaimed_queue_url),
        amazon=amazon,
        announcer=EventBridgeAnnouncer(events, settings.event_bus, settings.component),
        telemetry=telemetry,
        policy=settings.policy,
        applications=settings.applications,
        schedules=EventBridgeSchedules(scheduler, settings.schedule_group),
        surroundings=surroundings,
        log=log,
    )
