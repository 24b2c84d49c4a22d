"""Which right is asked for, and for what: MiniStack asks some for everything, where AWS asks for the thing itself.

Source: the Service Authorization Reference, resource types of SNS, KMS, CloudWatch, Lambda, EventBridge, EventBridge
Scheduler and Step Functions.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

_NAMED_BY = {
    "sns": ("ResourceArn",),
    "monitoring": ("ResourceARN",),
    "events": ("ResourceARN",),
    "states": ("resourceArn",),
}
"""Parameters that hold an ARN."""


def apply(_settings: Settings) -> None:
    """Ask for the thing, where its name is known."""
    replace(iam_actions, "extract_resource_arn", _of_the_thing(iam_actions.extract_resource_arn))
    replace(iam_actions, "_lambda_action", _of_lambda(iam_actions._lambda_action))


def _of_the_thing(extract: Callable[..., str]) -> Callable[..., str]:
    def answer(service: str, method: str, path: str, headers: Any, body: bytes, query: Any, *place: str) -> str:
        if service == "events" and (rule := _rule(_parameters(body))) is not None:
            return rule
        arn = extract(service, method, path, headers, body, query, *place)
        if service == "iam" and ":role/" in arn:
            return _with_path(arn, _first(dict(query or {}).get("Path")))
        if arn != "*":
            return arn
        given = {**_parameters(body), **{name: _first(value) for name, value in dict(query or {}).items()}}
        for name in _NAMED_BY.get(service, ()):
            if given.get(name):
                return str(given[name])
        here = f"{get_region()}:{get_account_id()}"
        if service == "kms" and given.get("AliasName"):
            return f"arn:aws:kms:{here}:{given['AliasName']}"
        named = given.get("AlarmName") or _first(given.get("AlarmNames")) or given.get("AlarmNames.member.1")
        # Whoever asks for alarms asks for a list.
        if service == "monitoring" and named and "DescribeAlarms" not in f"{path}{headers}{given.get('Action')}":
            return f"arn:aws:cloudwatch:{here}:alarm:{named}"
        board = given.get("DashboardName") or _first(given.get("DashboardNames"))
        if service == "monitoring" and board:
            return f"arn:aws:cloudwatch::{get_account_id()}:dashboard/{board}"
        if service == "lambda" and path.endswith("/functions") and given.get("FunctionName"):
            return f"arn:aws:lambda:{here}:function:{given['FunctionName']}"
        if service == "scheduler" and path.startswith("/tags/"):
            return unquote(path.removeprefix("/tags/"))
        return arn

    return answer


def _with_path(arn: str, path: str | None) -> str:
    """The ARN of a role that there is, or is to be, with its path, which a request names at its creation only."""
    before, _, name = arn.partition(":role/")
    role = iam._roles.get_scoped(get_account_id(), None, name.rpartition("/")[2])
    if role:
        return str(role["Arn"])
    return f"{before}:role{path}{name}" if path else arn


def _rule(given: Mapping[str, Any]) -> str | None:
    """The rule that a request is about; one of the default bus is named without it."""
    name, bus = given.get("Rule") or given.get("Name"), str(given.get("EventBusName") or "default")
    if not name or "Entries" in given:
        return None
    on = "" if bus.rpartition("/")[2] == "default" else f"{bus.partition('event-bus/')[2] or bus}/"
    return f"arn:aws:events:{get_region()}:{get_account_id()}:rule/{on}{name}"


_LAMBDA = (
    ("/event-source-mappings/", "EventSourceMapping", {"GET": "Get", "PUT": "Update", "DELETE": "Delete"}),
    (
        "/event-invoke-config",
        "FunctionEventInvokeConfig",
        {"GET": "Get", "PUT": "Put", "POST": "Update", "DELETE": "Delete"},
    ),
    ("/concurrency", "FunctionConcurrency", {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}),
)
"""Parts of a path, and the actions on what lies there, which MiniStack takes for others. Source: the Lambda API."""


def _of_lambda(action: Callable[[str, str], str | None]) -> Callable[[str, str], str | None]:
    def answer(method: str, path: str) -> str | None:
        for part, thing, verbs in _LAMBDA:
            if part in path and method in verbs and not path.endswith(part.rstrip("/") + "/"):
                return verbs[method] + thing
        return action(method, path)

    return answer


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _parameters(body: bytes) -> Mapping[str, Any]:
    """The parameters of a request in JSON."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
