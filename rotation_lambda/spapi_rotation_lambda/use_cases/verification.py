"""Whether Amazon accepts a secret, decided with the value in hand and with patience.

LWA is reported to issue tokens for dead secrets, and SP-API to refuse a live one for half an hour, so a refusal means
"not yet", and one verification call is made besides the token. What Amazon says holds for the moment in which it
says it: no answer is ever kept.
"""

from datetime import datetime, timedelta

from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import TokenFault, TokenNotIssued
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.ports import CallAnswer, Ports, Scope

UNSURE_FOR = timedelta(hours=24)
"""For so long after a secret was stored, an answer that may be a passing one does not let LWA decide."""

ASKED_AGAIN, ASK_AGAIN_SECONDS = 2, 3.0
"""How often a refusal that decides for another secret has to be repeated, and how far apart."""

_PASSING = (CallAnswer.THROTTLED, CallAnswer.UNAVAILABLE)

_WITHOUT_TOKEN = {
    TokenFault.SECRET: CallAnswer.EXPIRED,
    TokenFault.SETUP: CallAnswer.OTHER,
    TokenFault.THROTTLED: CallAnswer.THROTTLED,
    TokenFault.UNAVAILABLE: CallAnswer.UNAVAILABLE,
}


def amazon_says(ports: Ports, credentials: Credentials) -> CallAnswer:
    """What Amazon says about this very value now: by the verification call, or by LWA alone if that is chosen.

    ``ACCEPTED`` and ``EXPIRED`` are about the value, everything else is not. With ``verification: lwa`` a token counts
    as accepted, although LWA is reported to give one to a dead secret too.
    """
    amazon, by_lwa = ports.amazon(), ports.policy.verification is Verification.LWA
    try:
        token = amazon.token(credentials, Scope.ROTATION if by_lwa else Scope.NOTIFICATIONS)
    except TokenNotIssued as error:
        return without_token(error)
    return CallAnswer.ACCEPTED if by_lwa else amazon.verification_call(token)


def outlives(ports: Ports, one: Credentials, other: Credentials, *, answers: tuple[CallAnswer, ...]) -> bool:
    """Whether Amazon says that the other value has expired, says so again, and gives one of these answers about this.

    A single ``invalid_client`` may be false, and the secret that it would bring into use dies within days (SET-12).
    """
    if amazon_says(ports, other) is not CallAnswer.EXPIRED or amazon_says(ports, one) not in answers:
        return False
    for _ in range(ASKED_AGAIN):
        ports.clock.sleep(ASK_AGAIN_SECONDS)
        if amazon_says(ports, other) is not CallAnswer.EXPIRED:
            return False
    return True


def without_token(error: TokenNotIssued) -> CallAnswer:
    """What it says about a secret that LWA gave no token for it."""
    return _WITHOUT_TOKEN[error.fault]


def accepted(
    ports: Ports, candidate: Credentials, current: Credentials | None, *, stored_at: datetime | None = None
) -> bool:
    """Whether a candidate may come into use now (VER-1 to VER-4, VER-6).

    Args:
        candidate: what is to come into use.
        current: the secret in use, the control of the verification call; None if there is none.
        stored_at: when the candidate's version was written; None if it is stored nowhere yet.
    """
    if ports.policy.verification is Verification.LWA:
        return _accepted_by_lwa(ports, candidate, stored_at)
    answer = amazon_says(ports, candidate)
    if answer is CallAnswer.ACCEPTED:
        return True
    young = stored_at is None or ports.clock.now() < stored_at + UNSURE_FOR
    if young and (answer is CallAnswer.EXPIRED or answer in _PASSING):
        return False
    control = amazon_says(ports, current) if current is not None else None
    if control is CallAnswer.ACCEPTED or (young and control in _PASSING):
        return False
    if answer is CallAnswer.EXPIRED and control is not CallAnswer.EXPIRED:
        return False
    return _accepted_by_lwa(ports, candidate, stored_at)


def _accepted_by_lwa(ports: Ports, candidate: Credentials, stored_at: datetime | None) -> bool:
    since = max((at for at in (candidate.issued, stored_at) if at is not None), default=None)
    if since is not None and ports.clock.now() < since + ports.policy.promote_delay:
        return False
    try:
        ports.amazon().token(candidate, Scope.ROTATION)
    except TokenNotIssued:
        return False
    return True
