"""What AWS's failures mean to a person: the cause, the missing permission, and how to look without the function.

Nothing here repeats what an exception says, with one exception: AWS's own words about a missing right.
"""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
)
from botocore.exceptions import ConnectionError as AnyConnectionError

from spapi_rotation_cli.errors import CommandError, NoAnswer, UsageProblem
from spapi_rotation_cli.target import Target

PERMISSION = "lambda:InvokeFunction"
"""The only right that an operator needs."""

LOOKUP_PERMISSION = "cloudtrail:LookupEvents"
"""The further right of whoever looks for consumers. It cannot be limited to a resource."""

_SIGN_IN = "Sign in to AWS (aws sso login, or aws configure), or name another profile: --profile NAME."
_TLS = "see whether AWS's certificate is trusted here (AWS_CA_BUNDLE, behind a proxy that opens TLS)"
_NOT_SIGNED_IN = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


def code_of(error: Exception) -> str:
    """AWS's error code and request id, or the kind of failure. Never its text."""
    if not isinstance(error, ClientError):
        return type(error).__name__
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    request_id = error.response.get("ResponseMetadata", {}).get("RequestId")
    return f"{code}, request id {request_id}" if request_id else code


def explain(error: BotoCoreError | ClientError, target: Target, *, seconds: int) -> CommandError:
    """The failure of an invocation, for a person.

    Args:
        seconds: how long an answer was waited for.
    """
    if isinstance(error, ClientError):
        return _refused(error, target)
    if isinstance(error, ReadTimeoutError):
        return NoAnswer(
            "NoAnswer",
            f"The function {target.function} did not answer within {seconds} seconds. It may have done what was asked.",
            remedy=f"Look at the status before you repeat anything. {look(target)}",
        )
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | ProxyConnectionError):
        return NoAnswer(
            "NoConnection",
            "AWS could not be reached. Nothing was asked of the function.",
            remedy=f"Check the network, the proxy, and the region ({target.region or 'the configured one'}).",
        )
    if isinstance(error, HTTPClientError | AnyConnectionError):
        return NoAnswer(
            "ConnectionBroken",
            "The connection to AWS broke before the answer came. The function may have done what was asked.",
            remedy=f"Look at the status before you repeat anything. If that fails too, {_TLS}. {look(target)}",
        )
    return explain_session(error)


def explain_lookup(error: BotoCoreError | ClientError) -> CommandError:
    """The failure of a look at CloudTrail's record, for a person."""
    if not isinstance(error, ClientError):
        if isinstance(error, HTTPClientError | AnyConnectionError):
            return NoAnswer(
                "NoConnection",
                "CloudTrail could not be reached, or did not answer. Nothing was changed.",
                remedy=f"Check the network, the proxy, and --region; {_TLS}. Then try again.",
            )
        return explain_session(error)
    found = error.response.get("Error", {})
    code = str(found.get("Code", "unknown"))
    if code in _NOT_SIGNED_IN or error.operation_name != "LookupEvents":
        return CommandError("NotSignedIn", f"AWS does not accept your credentials ({code}).", remedy=_SIGN_IN)
    if code in ("AccessDenied", "AccessDeniedException", "OperationNotPermittedException"):
        return CommandError(
            "AccessDenied",
            f"You may not look at CloudTrail's record. AWS says: {found.get('Message', code)}",
            remedy=f"Get {LOOKUP_PERMISSION} on all resources (*); AWS has no narrower permission. A trail "
            "is not needed.",
        )
    if code in ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"):
        return NoAnswer(
            "Throttled",
            "Too many CloudTrail lookups: it allows two a second for the whole account and region.",
            remedy="Try again in a minute, or look back less far: --since DATE.",
        )
    return NoAnswer("AwsFailed", f"CloudTrail failed: {code_of(error)}.", remedy="Try again in a minute.")


def explain_session(error: BotoCoreError) -> CommandError:
    """The failure to make a session or a client, for a person."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return CommandError("NoCredentials", "There are no AWS credentials.", remedy=_SIGN_IN)
    if isinstance(error, NoRegionError):
        return CommandError("NoRegion", "No AWS region is configured.", remedy="Name it: --region NAME.")
    if isinstance(error, ProfileNotFound):
        return UsageProblem(
            "NoProfile", "There is no such AWS profile.", remedy="List them: aws configure list-profiles"
        )
    if isinstance(error, ParamValidationError):
        return UsageProblem(
            "BadFunctionName", "This is not the name of a function.", remedy="Give --function NAME or its ARN."
        )
    return CommandError("AwsFailed", f"AWS could not be asked: {type(error).__name__}.", remedy=_SIGN_IN)


def _refused(error: ClientError, target: Target) -> CommandError:
    found = error.response.get("Error", {})
    code = str(found.get("Code", "unknown"))
    if code in _NOT_SIGNED_IN or error.operation_name != "Invoke":
        return CommandError("NotSignedIn", f"AWS does not accept your credentials ({code}).", remedy=_SIGN_IN)
    if code == "AccessDeniedException":
        return CommandError(
            "AccessDenied",
            f"You may not ask the function {target.function}. AWS says: {found.get('Message', code)}",
            remedy=f"Get {PERMISSION} on this function; it is the only permission that this command needs. "
            f"{look(target)}",
        )
    if code == "ResourceNotFoundException":
        return CommandError(
            "FunctionMissing",
            f"There is no function {target.function} in this account and in region "
            f"{target.region or 'of your configuration'}.",
            remedy="Check --region, --profile and --function. If the function is gone, pulumi up --refresh brings it "
            f"back. {look(target)}",
        )
    if code == "TooManyRequestsException":
        return NoAnswer(
            "Throttled",
            "Lambda is busy in this account and region. Nothing was asked of the function.",
            remedy=f"Try again in a minute. {look(target)}",
        )
    return NoAnswer(
        "AwsFailed",
        f"Lambda failed the invocation: {code_of(error)}. The function may have been called.",
        remedy=f"Look at the status, then try again. {look(target)}",
    )


def look(target: Target) -> str:
    """How a person sees what is so while the function does not answer."""
    return f"To look without the function:\n{target.without_the_function()}"
