"""Makes a schedule look as if it had been made long ago. AWS has no such thing: it is the sandbox's own.

An application is adopted when its schedule is made, and what follows from that takes weeks. The control call is
``POST /_sandbox/age``; ``docs/scenarios.md`` shows what it is for.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core.responses import json_response
from ministack.services import scheduler

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

PATH = "/_sandbox/age"
_DAY = 86400.0


def apply(_settings: Settings) -> None:
    """Serve the control call."""
    replace(app, "_handle_post_body_shortcuts", _controlled(app._handle_post_body_shortcuts))


def _controlled(shortcuts: Callable[..., Any]) -> Callable[..., Any]:
    async def answer(method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str) -> Any:
        if path != PATH:
            return await shortcuts(method, path, headers, body, query, request_id)
        problem = "Use POST." if method != "POST" else _age(body)
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
