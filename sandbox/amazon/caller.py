"""A minimal caller: the three calls as Amazon documents them, each answering the bare HTTP response.

For tests of the stand-in, and for tests that ask "does Amazon accept this credential?" by the real protocol, without
using the code under test.
"""

from types import TracebackType
from typing import Self

import httpx

from sandbox.amazon.contract import DESTINATIONS_PATH, ROTATE_PATH, TOKEN_PATH
from sandbox.amazon.records import Scope

USER_AGENT = "SandboxCaller/1.0 (Language=Python/3.11; Host=localhost)"


class Caller:
    """An application that calls LWA and SP-API with the given client id."""

    def __init__(self, base_url: str, client_id: str, timeout_seconds: float = 30.0) -> None:
        """Speak to the stand-in at ``base_url``, by no proxy."""
        self.client_id = client_id
        self.http = httpx.Client(
            base_url=base_url, trust_env=False, timeout=timeout_seconds, headers={"User-Agent": USER_AGENT}
        )

    def token_response(self, client_secret: str, scope: str = Scope.ROTATION) -> httpx.Response:
        """LWA's answer to a token request."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": client_secret,
            "scope": scope,
        }
        return self.http.post(TOKEN_PATH, data=form)

    def token(self, client_secret: str, scope: str = Scope.ROTATION) -> str:
        """An access token.

        Raises:
            httpx.HTTPStatusError: LWA refused.
        """
        return str(self.token_response(client_secret, scope).raise_for_status().json()["access_token"])

    def rotate(self, token: str) -> httpx.Response:
        """SP-API's answer to the rotate call."""
        return self.http.post(ROTATE_PATH, headers={"x-amz-access-token": token})

    def destinations(self, token: str) -> httpx.Response:
        """SP-API's answer to the verification call."""
        return self.http.get(DESTINATIONS_PATH, headers={"x-amz-access-token": token})

    def accepted(self, client_secret: str) -> bool:
        """Whether LWA and SP-API both accept the secret."""
        answer = self.token_response(client_secret, Scope.NOTIFICATIONS)
        if answer.status_code != 200:
            return False
        return self.destinations(answer.json()["access_token"]).status_code == 200

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
