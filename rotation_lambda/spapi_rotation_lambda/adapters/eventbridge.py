"""The Announcer port on EventBridge."""

import json
from typing import TYPE_CHECKING

from spapi_rotation_lambda.adapters.aws_failures import named
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import RotationEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

EVENT_SOURCE = "spapi-rotation"
EVENT_TYPE = "SP-API client secret rotated"


class EventBridgeAnnouncer:
    """The Announcer port on EventBridge."""

    def __init__(self, client: "EventBridgeClient", bus: str) -> None:
        self._client, self._bus = client, bus

    def rotated(self, event: RotationEvent) -> None:
        """Publish ids and times; consumers use ``rotation_id`` to drop repetitions.

        The application is named by its client id alone: a message from Amazon tells the function no other name.
        """
        detail = {
            "client_id": event.application.client_id,
            "secret_arn": event.secret_arn,
            "version_id": event.version_id,
            "rotation_id": event.rotation_id,
            "client_secret_expires_at": event.expires_at and format_time(event.expires_at),
            "previous_client_secret_expires_at": event.previous_expires_at and format_time(event.previous_expires_at),
        }
        with named("events:PutEvents"):
            answer = self._client.put_events(
                Entries=[
                    {
                        "Source": EVENT_SOURCE,
                        "DetailType": EVENT_TYPE,
                        "Resources": [event.secret_arn],
                        "EventBusName": self._bus,
                        "Detail": json.dumps(detail),
                    }
                ]
            )
        if answer["FailedEntryCount"]:
            raise _entry_failed(answer["Entries"][0].get("ErrorCode", "Unknown"))


def _entry_failed(code: str) -> StoreFailed:
    return StoreFailed(
        f"EventBridge did not take the rotation event: {code}.",
        remedy="Check that the event bus exists and may be written.",
    )
