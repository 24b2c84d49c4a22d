"""Makes things look older than they are. AWS has no such thing: it is the sandbox's own.

``POST /_sandbox/age`` is about one schedule: an application is adopted when its schedule is made, and what follows from
that takes weeks. ``POST /_sandbox/pass`` is about every metric, and every message that waits in a queue: an alarm looks
back for hours or days.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core.responses import json_response
from ministack.services import cloudwatch, scheduler, sqs

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

AGE, PASS = "/_sandbox/age", "/_sandbox/pass"
_HOUR, _DAY = 3600.0, 86400.0


def apply(_settings: Settings) -> None:
    """Serve the control calls."""
    replace(app, "_handle_post_body_shortcuts", _controlled(app._handle_post_body_shortcuts))


def _controlled(shortcuts: Callable[..., Any]) -> Callable[..., Any]:
    async def answer(method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str) -> Any:
        if path not in (AGE, PASS):
            return await shortcuts(method, path, headers, body, query, request_id)
        problem = "Use POST." if method != "POST" else (_age if path == AGE else _pass)(body)
        return json_response({"error": problem}, 400) if problem else json_response({})

    return answer


def _age(body: bytes) -> str | None:
    """What is wrong with the call; None when it was carried out."""
    try:
        asked = json.loads(body)
        schedule, days = f"{asked.pop('group')}/{asked.pop('name')}", float(asked.pop("days"))
    except (ValueError, TypeError, KeyError, AttributeError):
        return 'Say which and how old: {"group": NAME, "name": NAME, "days": NUMBER}.'
    if asked:
        return f"Unknown: {', '.join(sorted(asked))}."
    if schedule not in scheduler._schedules:
        return f"There is no schedule {schedule}."
    scheduler._schedules[schedule]["CreationDate"] = time.time() - days * _DAY
    return None


def _pass(body: bytes) -> str | None:
    """What is wrong with the call; None when so many hours have passed for what was measured and what waits."""
    try:
        asked = json.loads(body)
        seconds = float(asked.pop("hours")) * _HOUR
    except (ValueError, TypeError, KeyError, AttributeError):
        return 'Say how long: {"hours": NUMBER}.'
    if asked:
        return f"Unknown: {', '.join(sorted(asked))}."
    for points in list(cloudwatch._metrics._data.values()):
        for point in list(points):
            point["Timestamp"] -= seconds
    for queue in list(sqs._queues._data.values()):
        for message in list(queue["messages"]):
            message["sent_at"] -= seconds
    return None
