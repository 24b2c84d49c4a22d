"""The dynamic resource that rotates during ``pulumi up``, when its trigger text is set or changed.

This module's dotted name is part of Pulumi state: the provider is pickled by reference. Renaming it breaks
``destroy`` for everyone who has deployed it.

Everything that this provider raises is printed by Pulumi, so exceptions are rebuilt from names, times and codes.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, ResourceProvider, UpdateResult
from pulumi.runtime.config import get_config

from spapi_rotation.rotate_on_up.hook import before_hooks
from spapi_rotation.rotate_on_up.looks import look_around
from spapi_rotation.rotate_on_up.run import RotateOnUpError, Run, failure
from spapi_rotation.rotate_on_up.session import aws_settings
from spapi_rotation.rotate_on_up.waiting import wait_until_in_use
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.use_cases.request import describe
from spapi_rotation_lambda.use_cases.rotate_on_up import rotate_on_up

Props = dict[str, Any]

_COMPARED = ("application", "client_id", "secret_arn", "trigger", "settings", "wait_seconds")


class RotateOnUpProvider(ResourceProvider):
    """Rotates in ``create`` and in an ``update`` that changes the trigger; does nothing in preview and delete."""

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the stack's AWS settings for this process."""
        self._aws = aws_settings(req.config.get)

    def diff(self, _id: str, _olds: Props, _news: Props) -> DiffResult:
        """Compare the named inputs only, so that a new version of this package is no difference."""
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in _COMPARED))

    def create(self, props: Props) -> CreateResult:
        """Rotate. Raises RotateOnUpError."""
        outs = {key: props[key] for key in _COMPARED} | _rotated(self._aws, props)
        return CreateResult(id_=str(props["client_id"]), outs=outs)

    def update(self, _id: str, _olds: Props, _news: Props) -> UpdateResult:
        """Rotate if the trigger changed, else only take over the other inputs. Raises RotateOnUpError."""
        if _olds.get("trigger") != _news.get("trigger"):
            result = _rotated(self._aws, _news, _olds.get("requested_at"))
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
        wait_seconds: pulumi.Input[int],
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
        hooks = before_hooks(resource_name, aws_settings(get_config))
        super().__init__(RotateOnUpProvider(), resource_name, props, pulumi.ResourceOptions.merge(opts, hooks))


def _rotated(aws: Mapping[str, Any], props: Props, last_requested_at: object = None) -> Props:
    """Run the rotation; whatever goes wrong leaves as a RotateOnUpError without any cause attached."""
    try:
        run = Run.of(aws, props)
        look_around(run.ports, run.application, last_requested_at, run.say)
        return _rotate(run, float(props["wait_seconds"]))
    except Exception as error:  # noqa: BLE001  (its text could hold anything; what may be said of it cannot)
        message = failure(props, error)
    raise RotateOnUpError(message) from None


def _rotate(run: Run, wait_seconds: float) -> Props:
    requested = rotate_on_up(run.ports, run.application, run.trigger)
    run.say.line(describe(requested))
    promoted = wait_until_in_use(run.ports, run.application, requested, wait_seconds, run.say)
    return {
        "requested_at": format_time(requested.requested_at),
        "promoted_at": format_time(run.ports.clock.now()) if promoted else None,
    }
