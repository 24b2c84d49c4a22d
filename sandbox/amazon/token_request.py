"""The token request that LWA takes.

Source: "Rotate your application's client secret" (the fields, as a form); RFC 6749, 3.2 (other parameters are ignored,
and none may come twice). LWA takes JSON as well: amazon-sp-api of Node.js and jlevers/selling-partner-api of PHP send
nothing else.
"""

import json
from urllib.parse import parse_qsl

from sandbox.amazon.request import BodyState, Request

FIELDS = {"grant_type", "client_id", "client_secret", "scope"}


class Malformed(Exception):
    """A token request that LWA refuses. Nothing of it is repeated."""

    def __init__(self, description: str, code: str = "invalid_request") -> None:
        super().__init__(description)
        self.code, self.description = code, description


def token_form(request: Request) -> dict[str, str]:
    """The token request's fields.

    Raises:
        Malformed: it is no grantless request of the documented fields.
    """
    if request.method != "POST" or request.query:
        raise Malformed("The token endpoint takes POST without a query")
    form = dict(_pairs(request))
    if form.get("grant_type", "client_credentials") != "client_credentials":
        raise Malformed("The grant type is not supported", "unsupported_grant_type")
    if missing := sorted(FIELDS - set(form)):
        raise Malformed(f"The request lacks a required parameter: {', '.join(missing)}")
    return form


def _pairs(request: Request) -> list[tuple[str, str]]:
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    readers = {"application/x-www-form-urlencoded": _of_form, "application/json": _of_json}
    if content_type not in readers or request.body_state is not BodyState.READ:
        raise Malformed("The body must be form-encoded")
    try:
        pairs = readers[content_type](request.body)
    except ValueError:
        raise Malformed("The body can't be read") from None
    if len(dict(pairs)) != len(pairs):
        raise Malformed("A field comes twice")
    return pairs


def _of_form(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)


def _of_json(body: bytes) -> list[tuple[str, str]]:
    pairs = json.loads(body, object_pairs_hook=list)
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise ValueError
    # A field that is null is one that is not there.
    given = [(str(name), value) for name, value in pairs if value is not None]
    if not all(isinstance(value, str) for _, value in given):
        raise ValueError
    return given
