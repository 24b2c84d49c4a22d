"""The dynamic resource that rotates during ``pulumi up``, when its trigger text is set or changed.

This module's dotted name is part of Pulumi state: the provider is pickled by reference. Renaming it breaks
``destroy`` for everyone who has deployed it.

Everything that this provider raises is printed by Pulumi, so exceptions are rebuilt from names, times and codes.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
from botocore.exceptions import BotoCoreError, ClientError
from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, ResourceProvider, UpdateResult

from spapi_rotation.rotate_on_up.progress import Progress
from spapi_rotation.rotate_on_up.session import SETTINGS, session_for
from spapi_rotation.rotate_on_up.waiting import wait_until_in_use
from spapi_rotation_lambda.adapters.aws_failures import error_code
from spapi_rotation_lambda.adapters.telemetry import quiet_http_libraries
from spapi_rotation_lambda.bootstrap import build
from spapi_rotation_lambda.domain.errors import RotationError, Unexpected
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.settings import Settings
from spapi_rotation_lambda.use_cases.request import describe, request
from spapi_rotation_lambda.use_cases.settle import settle

Props = dict[str, Any]

_COMPARED = ("application", "client_id", "secret_arn", "trigger", "settings", "wait_seconds")


class RotateOnUpError(Exception):
    """A rotation during ``pulumi up`` did not happen; the text says why and what to do."""


class RotateOnUpProvider(ResourceProvider):
    """Rotates in ``create`` and in an ``update`` that changes the trigger; does nothing in preview and delete."""

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the stack's AWS settings for this process."""
        self._aws = {name: req.config.get(f"aws:{name}") for name in SETTINGS}

    def diff(self, _id: str, _olds: Props, _news: Props) -> DiffResult:
        """Compare the named inputs only, so that a new version of this package is no difference."""
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in _COMPARED))

    def create(self, props: Props) -> CreateResult:
        """Rotate. Raises RotateOnUpError."""
        outs = {key: props[key] for key in _COMPARED} | _rotated(self._aws, props)
        return CreateResult(id_=f"{props['client_id']}", outs=outs)

    def update(self, _id: str, _olds: Props, _news: Props) -> UpdateResult:
        """Rotate if the trigger changed, else only take over the other inputs. Raises RotateOnUpError."""
        if _olds.get("trigger") != _news.get("trigger"):
            result = _rotated(self._aws, _news)
        else:
            result = {key: _olds.get(key) for key in ("requested_at", "promoted_at")}
        return UpdateResult(outs={key: _news[key] for key in _COMPARED} | result)

    def delete(self, _id: str, _props: Props) -> None:
        """Do nothing: a rotation cannot be undone by forgetting it."""


class RotateOnUp(pulumi.dynamic.Resource, module="spapi-rotation", name="RotateOnUp"):
    """A rotation during ``pulumi up``; cannot be imported.

    Attributes:
        requested_at: when the rotation was requested (RFC 3339).
        promoted_at: when the new secret was seen in use, or None when the wait was over before.
    """

    application: pulumi.Output[str]
    trigger: pulumi.Output[str]
    requested_at: pulumi.Output[str]
    promoted_at: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        application: pulumi.Input[str],
        client_id: pulumi.Input[str],
        secret_arn: pulumi.Input[str],
        trigger: pulumi.Input[str],
        settings: Mapping[str, pulumi.Input[str]],
        wait_seconds: pulumi.Input[int] = 300,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the rotation.

        Args:
            application: the application's name, which begins each progress line.
            client_id: its LWA client id.
            secret_arn: its secret; the rotation acts in that ARN's region and account.
            trigger: any text; a new text rotates once.
            settings: the rotation function's environment.
            wait_seconds: how long ``up`` waits for the new secret to be in use; 0 does not wait.
        """
        props: dict[str, Any] = {
            "application": application,
            "client_id": client_id,
            "secret_arn": secret_arn,
            "trigger": trigger,
            "settings": dict(settings),
            "wait_seconds": wait_seconds,
            "requested_at": None,
            "promoted_at": None,
        }
        super().__init__(RotateOnUpProvider(), resource_name, props, opts)


def _rotated(aws: Mapping[str, str | None], props: Props) -> Props:
    """Run the rotation; whatever goes wrong leaves as a RotateOnUpError without any cause attached."""
    quiet_http_libraries()
    try:
        return _rotate(aws, props)
    except RotationError as error:
        message = str(error)
    except (ClientError, BotoCoreError) as error:
        message = (
            f"{props['application']}: AWS failed ({error_code(error)}). "
            "What to do: check the stack's AWS credentials and their permissions."
        )
    except Exception as error:  # noqa: BLE001  (its text could hold anything; its place cannot)
        message = f"{props['application']}: {Unexpected.of(error)}"
    raise RotateOnUpError(message) from None


def _rotate(aws: Mapping[str, str | None], props: Props) -> Props:
    settings = Settings.from_environment({k: str(v) for k, v in props["settings"].items()})
    found = settings.applications.find(str(props["client_id"]), str(props["application"]))
    application = replace(found, secret_id=str(props["secret_arn"]))
    say = Progress(application.name)
    ports = build(session_for(aws, application), settings, say)
    settle(ports, application)
    requested = request(ports, application, Trigger.PULUMI_UP, reference=str(props["trigger"]))
    say.line(describe(requested))
    promoted = wait_until_in_use(ports, application, requested, float(props["wait_seconds"]), say)
    return {
        "requested_at": format_time(requested.requested_at),
        "promoted_at": format_time(ports.clock.now()) if promoted else None,
    }
