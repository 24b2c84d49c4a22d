"""The Announcer port on EventBridge."""

import json
from typing import TYPE_CHECKING

from spapi_rotation_lambda.adapters.aws_failures import named
from spapi_rotation_lambda.domain.errors import NotPublished, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_events import EventBridgeClient

    from spapi_rotation_lambda.domain.events import Event, RotationEvent


class EventBridgeAnnouncer:
    """The Announcer port on EventBridge. The client is made only when it is needed."""

    def __init__(self, client: "Callable[[], EventBridgeClient]", bus: str, component: str) -> None:
        self._client, self._bus, self._component = client, bus, component

    def rotated(self, event: "RotationEvent") -> None:
        """Publish that a new secret is in use; consumers use ``rotation_id`` to drop repetitions."""
        self.tell(event)

    def tell(self, event: "Event") -> None:
        """Publish an event."""
        from spapi_rotation_lambda.domain.events import detail, source

        try:
            with named("events:PutEvents"):
                answer = self._client().put_events(
                    Entries=[
                        {
                            "Source": source(self._component),
                            "DetailType": event.DETAIL_TYPE,
                            "Resources": [event.secret_arn],
                            "EventBusName": self._bus,
                            "Detail": json.dumps(detail(event, self._component)),
                        }
                    ]
                )
        except StoreFailed as error:
            raise NotPublished(error.args[0], remedy=error.remedy, denied=error.denied) from None
        if answer["FailedEntryCount"]:
            code = answer["Entries"][0].get("ErrorCode", "Unknown")
            raise NotPublished(
                f"EventBridge did not take the event: {code}.",
                remedy="Check that the event bus exists and that the function may put events on it.",
            )
