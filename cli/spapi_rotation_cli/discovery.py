"""Finding the function: by name, by environment, or by the outputs of a Pulumi stack."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from spapi_rotation_cli.errors import CommandError, UsageProblem
from spapi_rotation_cli.options import FUNCTION_VARIABLE, Options
from spapi_rotation_cli.target import Target

PULUMI_SECONDS = 60

REGION_VARIABLE = "AWS_REGION"
"""The AWS CLI goes by it, boto3 by AWS_DEFAULT_REGION alone."""

_REGION = re.compile(r"arn:aws[\w-]*:\w+:(?P<region>[a-z0-9-]+):")
_WAYS = (
    f"Give the function's name: --function NAME, or {FUNCTION_VARIABLE} in the environment. Or let a Pulumi stack tell "
    "it: --stack NAME, or run this in the folder of the project, with its stack selected and pulumi logged in."
)


def find(options: Options, debug: Callable[[str], None]) -> Target:
    """Find the function. What is given on the command line goes before the environment.

    Raises:
        CommandError: nothing names it, or the stack cannot be read.
    """
    if options.function is not None and options.stack is not None:
        raise UsageProblem(
            "TwoFunctions", "Both --function and --stack name the function.", remedy="Leave one of them out."
        )
    if options.function is not None:
        return _named(options.function, options)
    named = os.environ.get(FUNCTION_VARIABLE)
    if options.stack is None and named:
        debug(f"function {named}, by {FUNCTION_VARIABLE}")
        return _named(named, options)
    outputs = _outputs(options.stack)
    function = outputs.get("function_name")
    if not isinstance(function, str) or not function:
        raise CommandError(
            "NoFunctionName",
            f"The stack {options.stack or 'of this folder'} has no output function_name.",
            remedy='Export it, pulumi.export("function_name", rotation.function_name), and run pulumi up; or give '
            "--function NAME.",
        )
    region = options.region or _region_of(outputs.get("queue_arn")) or os.environ.get(REGION_VARIABLE)
    debug(f"function {function} in {region or 'the configured region'}, by the stack's outputs")
    arns = outputs.get("secret_arns")
    secrets = {str(name): str(arn) for name, arn in arns.items()} if isinstance(arns, Mapping) else {}
    return Target(function, region, options.profile, secrets)


def _named(function: str, options: Options) -> Target:
    region = options.region or _region_of(function) or os.environ.get(REGION_VARIABLE)
    return Target(function, region, options.profile)


def _region_of(arn: object) -> str | None:
    match = _REGION.match(arn) if isinstance(arn, str) else None
    return match["region"] if match else None


def _outputs(stack: str | None) -> Mapping[str, Any]:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise _not_found("Nothing names the rotation function, and there is no pulumi on PATH to ask.")
    command = [pulumi, "stack", "output", "--json", "--non-interactive", *(("--stack", stack) if stack else ())]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=PULUMI_SECONDS,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except subprocess.TimeoutExpired:
        raise _not_found(f"pulumi stack output did not end within {PULUMI_SECONDS} seconds.") from None
    except OSError as error:
        raise _not_found(f"pulumi could not be run: {error.strerror}.") from None
    if done.returncode != 0:
        raise _not_found(f"Nothing else names the rotation function, and pulumi says: {_reason(done.stderr)}")
    try:
        outputs = json.loads(done.stdout)
    except ValueError:
        outputs = None
    if not isinstance(outputs, dict):
        raise _not_found("pulumi stack output printed no JSON object.")
    return outputs


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    named = [line for line in lines if line.startswith("error:")]
    return (named or lines or ["nothing"])[0].removeprefix("error:").strip()


def _not_found(message: str) -> CommandError:
    return CommandError("FunctionNotFound", message, remedy=_WAYS)
