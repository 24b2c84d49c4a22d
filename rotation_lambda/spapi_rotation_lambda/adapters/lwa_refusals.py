"""Why Login with Amazon gave no token, in words, and what to do about it: one text for each of its codes.

Sources: RFC 6749, section 5.2 (what each code means); ``LwaExceptionErrorCode.py`` of Amazon's own Python client (which
codes there are). That codes other than ``invalid_client`` come with a live secret is reported in
python-amazon-sp-api#278, jlevers/selling-partner-api#31 and selling-partner-api-models#1851.
"""

from collections.abc import Mapping

from spapi_rotation_lambda.adapters.amazon_answers import TLS_FAILURES
from spapi_rotation_lambda.domain.errors import TokenFault, TokenNotIssued
from spapi_rotation_lambda.ports import Scope

_SECRET = (
    "Login with Amazon did not accept client id and secret ({code}).",
    "Check client id and secret in the Developer Console. A secret that has expired must be replaced there by hand and "
    "put into the secret.",
)
_SETUP: Mapping[str, tuple[str, str]] = {
    "invalid_scope": (
        "Login with Amazon does not give the scope {scope} to this application ({code}). The secret is not the cause.",
        "Check in the Developer Console that the client id is that of a production application of the Selling Partner "
        "API with at least one role.",
    ),
    "unauthorized_client": (
        "Login with Amazon does not let this application ask for a token by client_credentials ({code}). The secret is "
        "not the cause.",
        "Check in the Developer Console that the client id is that of a production application of the Selling Partner "
        "API, not that of a security profile for another service of Amazon.",
    ),
    "invalid_request": (
        "Login with Amazon could not read the request for a token ({code}). The secret is not the cause.",
        "Check the setting lwa_endpoint, that no proxy changes requests, and that neither client id nor secret was "
        "copied with anything else around it.",
    ),
    "invalid_grant": (
        "Login with Amazon refused the grant ({code}). The secret is not the cause.",
        "Check the setting lwa_endpoint: it must be the token endpoint that takes grant_type=client_credentials.",
    ),
    "unsupported_grant_type": (
        "This token endpoint does not know grant_type=client_credentials ({code}). The secret is not the cause.",
        "Check the setting lwa_endpoint.",
    ),
    "access_denied": (
        "Login with Amazon denied the application a token ({code}). The secret is not the cause.",
        "Check in the Developer Console whether the application or the account is suspended, and ask Amazon's support.",
    ),
}
_OTHER_SETUP = (
    "Login with Amazon gave no token ({code}). The secret is not the cause.",
    "Check the setting lwa_endpoint and whatever stands before it, such as a proxy; then ask Amazon's support.",
)
_WITHOUT_THE_CALL = (
    " If the rotation itself gets a token, the verification call alone is closed to it: set verification to lwa."
)
_THROTTLED = ("Login with Amazon throttles requests ({code}).", "Nothing for now: it is retried.")
_UNAVAILABLE = (
    "Login with Amazon gave no token ({code}).",
    "Try again; check the LWA endpoint if it persists.",
)
_TLS = (
    "The TLS connection to {host} failed ({code}{detail}). Nothing was sent.",
    "Check the setting lwa_endpoint, and whether a proxy or firewall answers in Amazon's place.",
)


def token_not_issued(code: str, fault: TokenFault, scope: Scope, *, host: str, detail: str = "") -> TokenNotIssued:
    """The error for a token that was not issued.

    Args:
        code: LWA's error code, the HTTP status, or the kind of transport failure.
        host: LWA's.
        detail: what is wrong with its certificate.
    """
    if code in TLS_FAILURES:
        message, remedy = _TLS
    elif fault is TokenFault.SETUP:
        message, remedy = _SETUP.get(code, _OTHER_SETUP)
        if scope is Scope.NOTIFICATIONS:
            remedy += _WITHOUT_THE_CALL
    else:
        message, remedy = {
            TokenFault.SECRET: _SECRET,
            TokenFault.THROTTLED: _THROTTLED,
            TokenFault.UNAVAILABLE: _UNAVAILABLE,
        }[fault]
    said = message.format(code=code, scope=scope.value, host=host, detail=f": {detail}" if detail else "")
    return TokenNotIssued(said, remedy=remedy, code=code, fault=fault)
