"""Whether Amazon accepts a received secret, decided with the value in hand and with patience.

LWA is reported to issue tokens for dead secrets, and SP-API to refuse a live one for half an hour, so "refused"
means "not yet", and one harmless call is made besides the token.
"""

from spapi_rotation_lambda.domain.errors import TokenRefused
from spapi_rotation_lambda.domain.model import Credentials
from spapi_rotation_lambda.ports import Amazon, Ports, Probe, Scope
from spapi_rotation_lambda.settings import Verification


def accepted(ports: Ports, candidate: Credentials, current: Credentials | None) -> bool:
    """Whether a candidate may become current.

    The harmless call is the proof. When Amazon refuses it for the candidate, the same call with the current secret
    is the control: refused as well, the call proves nothing about the candidate, and LWA's token some time after
    the issue decides; accepted or unclear means *not yet*.
    """
    amazon = ports.amazon()
    if ports.settings.verification is Verification.LWA:
        return _accepted_by_lwa(ports, amazon, candidate)
    answer = _harmless_call(amazon, candidate)
    if answer is Probe.REFUSED and (current is None or _harmless_call(amazon, current) is Probe.REFUSED):
        return _accepted_by_lwa(ports, amazon, candidate)
    return answer is Probe.ACCEPTED


def alive(ports: Ports, credentials: Credentials) -> Probe:
    """What a harmless call, or LWA alone where the call is switched off, says about credentials in use."""
    if ports.settings.verification is Verification.LWA:
        try:
            ports.amazon().token(credentials, Scope.ROTATION)
        except TokenRefused as refused:
            return Probe.REFUSED if refused.definite else Probe.UNCLEAR
        return Probe.ACCEPTED
    return _harmless_call(ports.amazon(), credentials)


def _harmless_call(amazon: Amazon, credentials: Credentials) -> Probe:
    try:
        token = amazon.token(credentials, Scope.NOTIFICATIONS)
    except TokenRefused as refused:
        return Probe.REFUSED if refused.definite else Probe.UNCLEAR
    return amazon.probe(token)


def _accepted_by_lwa(ports: Ports, amazon: Amazon, candidate: Credentials) -> bool:
    if candidate.issued is not None and ports.clock.now() < candidate.issued + ports.settings.promote_delay:
        return False
    try:
        amazon.token(candidate, Scope.ROTATION)
    except TokenRefused:
        return False
    return True
