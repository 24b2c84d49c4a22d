"""Whether Amazon accepts a received secret, decided with the value in hand and with patience.

LWA is reported to issue tokens for dead secrets, and SP-API to deny a live one for half an hour, so "denied"
means "not yet", and one verification call is made besides the token.
"""

from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import TokenNotIssued
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.ports import Amazon, CallAnswer, Ports, Scope


def accepted(ports: Ports, candidate: Credentials, current: Credentials | None) -> bool:
    """Whether a candidate may become current.

    The verification call is the proof. When Amazon denies it to the candidate, the same call with the current secret
    is the control: denied as well, the call proves nothing about the candidate, and LWA's token some time after
    the issue decides; accepted or unclear means *not yet*.
    """
    amazon = ports.amazon()
    if ports.policy.verification is Verification.LWA:
        return _accepted_by_lwa(ports, amazon, candidate)
    answer = _verification_call(amazon, candidate)
    if answer is CallAnswer.DENIED and (current is None or _verification_call(amazon, current) is CallAnswer.DENIED):
        return _accepted_by_lwa(ports, amazon, candidate)
    return answer is CallAnswer.ACCEPTED


def is_dead(ports: Ports, credentials: Credentials) -> bool:
    """Whether Amazon refuses these credentials as expired, now."""
    return alive(ports, credentials) is CallAnswer.DENIED


def is_accepted(ports: Ports, credentials: Credentials) -> bool:
    """Whether Amazon accepts these credentials, now."""
    return alive(ports, credentials) is CallAnswer.ACCEPTED


def alive(ports: Ports, credentials: Credentials) -> CallAnswer:
    """What a verification call, or LWA alone where the call is switched off, says about credentials in use."""
    if ports.policy.verification is Verification.LWA:
        try:
            ports.amazon().token(credentials, Scope.ROTATION)
        except TokenNotIssued as error:
            return CallAnswer.DENIED if error.definite else CallAnswer.UNCLEAR
        return CallAnswer.ACCEPTED
    return _verification_call(ports.amazon(), credentials)


def _verification_call(amazon: Amazon, credentials: Credentials) -> CallAnswer:
    try:
        token = amazon.token(credentials, Scope.NOTIFICATIONS)
    except TokenNotIssued as error:
        return CallAnswer.DENIED if error.definite else CallAnswer.UNCLEAR
    return amazon.verification_call(token)


def _accepted_by_lwa(ports: Ports, amazon: Amazon, candidate: Credentials) -> bool:
    if candidate.issued is not None and ports.clock.now() < candidate.issued + ports.policy.promote_delay:
        return False
    try:
        amazon.token(candidate, Scope.ROTATION)
    except TokenNotIssued:
        return False
    return True
