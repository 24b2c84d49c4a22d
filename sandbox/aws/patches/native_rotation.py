"""Secrets Manager's own rotation of a secret: AWSPENDING on an empty version, and a function that is to fill it.

Source: the Secrets Manager API reference (RotateSecret, CancelRotateSecret) and user guide ("Rotation by Lambda
function"). There is no schedule and no second try: a rotation happens when it is asked for, and a step that fails ends
it, which leaves the empty version as on AWS.
"""

import logging
import threading
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import lambda_svc
from ministack.services import secretsmanager as service

from sandbox.aws.patches.permissions import service_may
from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.secretsmanager import (
    CURRENT,
    PENDING,
    Refused,
    Request,
    Secret,
    add_operation,
    answering,
    attach,
    named,
    now,
    token_in,
    touch,
    writable,
)
from sandbox.aws.patches.settings import Settings

_log = logging.getLogger("sandbox.native_rotation")

SERVICE = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def apply(_settings: Settings) -> None:
    """Replace RotateSecret, whose original promotes a copy of the value, and add CancelRotateSecret."""
    replace(service, "_rotate_secret", answering(_rotate))
    add_operation("CancelRotateSecret", _cancel)


def _rotate(data: Request) -> dict[str, Any]:
    secret, token = writable(data), token_in(data)
    function = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    if not function:
        raise Refused("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    _check_invocable(function)
    holder, _ = service._find_stage_version(secret, PENDING)
    if holder and holder != service._find_stage_version(secret, CURRENT)[0]:
        raise Refused(
            "InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted."
        )
    if token in secret["Versions"]:
        raise Refused("ResourceExistsException", "A version with this ClientRequestToken exists already.")
    if data.get("RotateImmediately") is False:
        raise Refused("InvalidRequestException", "The sandbox rotates at once only: it keeps no rotation schedule.")
    rules = data.get("RotationRules") or secret.get("RotationRules")
    secret.update(RotationEnabled=True, RotationLambdaARN=function, **({"RotationRules": rules} if rules else {}))
    secret["Versions"][token] = {"SecretString": None, "SecretBinary": None, "CreatedDate": now(), "Stages": []}
    attach(secret, token, PENDING)
    touch(secret)
    place = (responses.get_account_id(), responses.get_region())
    work = threading.Thread(target=_run, args=(secret, function, token, place), daemon=True, name="native-rotation")
    work.start()
    return named(secret, VersionId=token)


def _cancel(data: Request) -> dict[str, Any]:
    """Switch rotation off. Labels stay where they are, on an empty version too."""
    secret = writable(data)
    secret["RotationEnabled"] = False
    touch(secret)
    return named(secret)


def _check_invocable(function: str) -> None:
    record, _, _ = lambda_svc._get_func_record_for_ref(function)
    if not record or not service_may(SERVICE, "lambda:InvokeFunction", function):
        raise Refused(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
            f"access to the principal {SERVICE}.",
        )


def _run(secret: Secret, function: str, token: str, place: tuple[str, str]) -> None:
    responses.set_request_account_id(place[0])
    responses.set_request_region(place[1])
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    record, config, _ = lambda_svc._get_func_record_for_ref(function)
    for step in STEPS:
        event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token}
        result = lambda_svc._execute_function(lambda_svc._execution_record_for_config(record, config), event)
        if result.get("error"):
            _log.warning("The rotation of %s failed in %s", secret["Name"], step)
            return
