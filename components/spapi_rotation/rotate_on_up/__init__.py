"""The dynamic resource that rotates during ``pulumi up``, when its trigger text is set or changed.

This module's dotted name is part of Pulumi state: the provider is pickled by reference. Renaming it breaks
``destroy`` for everyone who has deployed it.

Everything that this provider raises is printed by Pulumi, so exceptions are rebuilt from names, times and codes.
"""

import json
import sys
import traceback
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pulumi
from botocore.exceptions import BotoCoreError, ClientError
from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, ResourceProvider, UpdateResult

from spapi_rotation_lambda.adapters.aws import error_code
from spapi_rotation_lambda.adapters.telemetry import quiet_http_libraries
from spapi_rotation_lambda.bootstrap import build
from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import application as application_of
from spapi_rotation_lambda.domain.errors import RotationError, StoreFailed
from spapi_rotation_lambda.domain.model import Application, Trigger, format_time
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Metric, Ports
from spapi_rotation_lambda.settings import Settings
from spapi_rotation_lambda.use_cases.request import Requested, describe, request
from spapi_rotation_lambda.use_cases.settle import Outcome, settle

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

LOOK_EVERY_SECONDS = 3.0

Props = dict[str, Any]

_COMPARED = ("application", "client_id", "secret_arn", "trigger", "settings", "wait_seconds")


class RotateOnUpError(Exception):
    """A rotation during ``pulumi up`` did not happen; the text says why and what to do."""


class RotateOnUpProvider(ResourceProvider):
    """Rotates in ``create`` and in an ``update`` that changes the trigger; does nothing in preview and delete."""

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the stack's AWS settings for this process."""
        names = ("region", "profile", "accessKey", "secretKey", "token", "assumeRoles")
        self._aws = {name: req.config.get(f"aws:{name}") for name in names}

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
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{props['application']}: unexpected {type(error).__name__} at {place.name}, line {place.lineno}."
    raise RotateOnUpError(message) from None


def _rotate(aws: Mapping[str, str | None], props: Props) -> Props:
    settings = Settings.from_environment({k: str(v) for k, v in props["settings"].items()})
    application = replace(
        application_of(settings, str(props["client_id"]), str(props["application"])), secret_id=str(props["secret_arn"])
    )
    say = _Progress(application.name)
    ports = build(_session(aws, application), settings, say)
    settle(ports, application)
    requested = request(ports, application, Trigger.PULUMI_UP, reference=str(props["trigger"]))
    say.line(describe(requested))
    promoted = _wait(ports, application, requested, float(props["wait_seconds"]), say)
    return {
        "requested_at": format_time(requested.requested_at),
        "promoted_at": format_time(ports.clock.now()) if promoted else None,
    }


def _wait(ports: Ports, application: Application, requested: Requested, seconds: float, say: "_Progress") -> bool:
    """Wait until the requested secret is in use; False, with a warning, when the time is over."""
    deadline = ports.clock.now() + timedelta(seconds=seconds)
    told = ""
    while True:
        try:
            outcome = settle(ports, application).outcome
            snapshot = Snapshot(ports, application)
            current = snapshot.current
            if current is not None and rules.closes(snapshot.issued(current), requested.requested_at):
                say.line(f"new secret in use (version {current.version.id})")
                return True
            news = (
                "received; Amazon does not accept it yet" if outcome is Outcome.NOT_YET else "waiting for its message"
            )
        except StoreFailed as error:
            news = str(error)
        if news != told:
            say.line(told := news)
        if ports.clock.now() >= deadline:
            break
        ports.clock.sleep(LOOK_EVERY_SECONDS)
    say.line(
        "WARNING: the new secret is not in use yet; the rotation goes on without this update. The function promotes "
        "it when it arrives and Amazon accepts it; the old secret still works for 7 days.",
        error=True,
    )
    return False


def _session(aws: Mapping[str, str | None], application: Application) -> boto3.Session:
    """A session in the secret's region with the stack's AWS settings, proven to be in the secret's account."""
    _, partition, _, region, account, *_ = application.secret_id.split(":")
    if partition != "aws":
        raise StoreFailed(f"{application.name}: partition {partition} is not served.", remedy="Use partition aws.")
    session = boto3.Session(
        region_name=region,
        profile_name=aws.get("profile") or None,
        aws_access_key_id=aws.get("accessKey") or None,
        aws_secret_access_key=aws.get("secretKey") or None,
        aws_session_token=aws.get("token") or None,
    )
    for role in _roles(aws.get("assumeRoles"), application):
        given = _sts(session).assume_role(**role)["Credentials"]
        session = boto3.Session(
            region_name=region,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
    own = _sts(session).get_caller_identity()["Account"]
    if own != account:
        raise StoreFailed(
            f"{application.name}: this update acts in AWS account {own}, but the secret is in {account}.",
            remedy="A dynamic resource does not see an explicit provider. Set aws:profile or aws:assumeRoles of the "
            "stack to credentials of the secret's account.",
        )
    return session


def _sts(session: boto3.Session) -> "STSClient":
    return session.client("sts")  # pyright: ignore[reportUnknownMemberType]  (boto3-stubs' overloads)


def _roles(text: str | None, application: Application) -> list[Any]:
    """The stack's ``aws:assumeRoles`` as arguments of sts:AssumeRole."""
    try:
        roles: list[dict[str, str]] = json.loads(text) if text else []
        return [
            {
                "RoleArn": role["roleArn"],
                "RoleSessionName": role.get("sessionName", "spapi-rotation"),
                **({"ExternalId": role["externalId"]} if "externalId" in role else {}),
            }
            for role in roles
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StoreFailed(
            f"{application.name}: aws:assumeRoles is not a list of objects with a roleArn.",
            remedy="Set it as pulumi-aws documents it.",
        ) from None


class _Progress:
    """Progress lines, and the Telemetry port of an update: what the function would log, in a few words."""

    def __init__(self, name: str) -> None:
        self._name = name

    def line(self, text: str, *, error: bool = False) -> None:
        """Print one line that begins with the application's name; Pulumi shows it under the stack."""
        print(f"{self._name}: {text}", file=sys.stderr if error else sys.stdout, flush=True)

    def info(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Say what went as it should."""
        self.line(event.replace("_", " "))

    def warning(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Say what a person may want to look at."""
        shown = ", ".join(f"{key} {value}" for key, value in fields.items() if value not in (None, ""))
        self.line(f"{event.replace('_', ' ')}{': ' + shown if shown else ''}", error=True)

    def count(self, metric: Metric, value: float = 1.0) -> None:
        """Ignore: metrics are the function's."""
