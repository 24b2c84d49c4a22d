"""One run of a trigger: what its resource's inputs name, and what may be said of what went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from spapi_rotation.rotate_on_up.progress import Progress
from spapi_rotation.rotate_on_up.session import session_for
from spapi_rotation_lambda.adapters.aws_failures import error_code
from spapi_rotation_lambda.adapters.telemetry import quiet_http_libraries
from spapi_rotation_lambda.bootstrap import build
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import RotationError, Unexpected
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.settings import Settings


class RotateOnUpError(Exception):
    """A rotation during ``pulumi up`` did not happen; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a trigger acts on and for.

    Attributes:
        trigger: its text.
        say: what a person sees of it.
    """

    ports: Ports
    application: Application
    trigger: str
    say: Progress

    @classmethod
    def of(cls, aws: Mapping[str, Any], props: Mapping[str, Any]) -> "Run":
        """From the resource's inputs and the stack's settings of pulumi-aws.

        Raises:
            BadSettings: something of it is not usable.
        """
        quiet_http_libraries()
        settings = Settings.from_environment({k: str(v) for k, v in props["settings"].items()})
        found = settings.applications.find(str(props["client_id"]), str(props["application"]))
        application = replace(found, secret_id=str(props["secret_arn"]))
        say = Progress(application.name)
        return cls(build(session_for(aws, application), settings, say), application, str(props["trigger"]), say)


def failure(props: Mapping[str, Any], error: Exception) -> str:
    """What may be said of an error: names, times and codes, since Pulumi prints it."""
    if isinstance(error, RotationError):
        return str(error)
    if isinstance(error, ClientError | BotoCoreError):
        return (
            f"{props['application']}: AWS failed ({error_code(error)}). "
            "What to do: check the stack's AWS credentials and their permissions."
        )
    return f"{props['application']}: {Unexpected.of(error)}"
