"""AWS as the resources see it: boto3 clients that can reach loopback only, the account, and patience."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from sandbox.provider.config import AssumeRole, ProviderConfig
from sandbox.provider.errors import StandInError
from sandbox.provider.loopback import refuse_elsewhere

T = TypeVar("T")

PROPAGATION_SECONDS = 5.0
"""How long an error of AWS's eventual consistency is tried again (the real provider waits minutes)."""

_PAUSE_SECONDS = 0.5


class AwsRefused(StandInError):
    """AWS answered with an error."""

    def __init__(self, doing: str, error: ClientError) -> None:
        detail = error.response.get("Error", {})
        self.code = str(detail.get("Code", ""))
        self.message = str(detail.get("Message", ""))
        super().__init__(f"{doing}: {self.code}: {self.message}")


Judge = Callable[[AwsRefused], bool]
"""Whether an error passes when one waits."""


def says(*fragments: str, code: str = "") -> Judge:
    """The error has this code, and one of the fragments in its message (any message when there are none)."""

    def judge(refused: AwsRefused) -> bool:
        texts = not fragments or any(fragment in refused.message for fragment in fragments)
        return texts and code in ("", refused.code)

    return judge


class Aws:
    """Clients for one provider configuration. Threads may share it."""

    def __init__(self, config: ProviderConfig) -> None:
        """Prepare the session and check the credentials.

        Raises:
            StandInError: no region, no loopback endpoint, credentials refused, or an account that is not allowed.
        """
        self.region = _region(config)
        self.default_tags: Mapping[str, str] = dict(config.default_tags)
        self.stopping = threading.Event()
        self._config = config
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        # Without this, boto3 without credentials would look for them on a link-local address.
        os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
        self._session = self._new_session(config.access_key, config.secret_key, config.token, config.profile)
        self.client("sts")
        for role in config.assume_roles:
            self._assume(role)
        self._check_account()

    def _assume(self, role: AssumeRole) -> None:
        asked: dict[str, Any] = {"RoleArn": role.role_arn, "RoleSessionName": role.session_name}
        if role.seconds:
            asked["DurationSeconds"] = role.seconds
        if role.external_id:
            asked["ExternalId"] = role.external_id
        made = self.call(f"assuming the role {role.role_arn}", lambda: self.client("sts").assume_role(**asked))
        given = made["Credentials"]
        self._session = self._new_session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], None)
        self._clients.clear()

    def _new_session(
        self, access_key: str | None, secret_key: str | None, token: str | None, profile: str | None
    ) -> boto3.Session:
        core = botocore.session.Session(profile=profile)
        # The last gate before the wire: whatever chose the URL, nothing leaves this machine.
        core.register("before-send", _only_loopback)
        try:
            return boto3.Session(
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                aws_session_token=token,
                region_name=self.region,
                botocore_session=core,
            )
        except BotoCoreError as error:
            raise StandInError(f"the provider's credentials can't be used: {error}") from None

    def _check_account(self) -> None:
        config = self._config
        if not (config.validate_credentials or config.allowed_account_ids):
            return
        account = self.identity()["Account"]
        if config.allowed_account_ids and account not in config.allowed_account_ids:
            raise StandInError(f"AWS account ID not allowed: {account}")

    def identity(self) -> dict[str, Any]:
        """Account, ARN and id of the caller."""
        found = self.call("validating the provider's credentials", lambda: self.client("sts").get_caller_identity())
        return dict(found)

    def client(self, service: str) -> Any:
        """The client of a service; it talks to a loopback endpoint or is refused.

        Raises:
            StandInError: the endpoint is elsewhere.
        """
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        try:
            made: Any = self._session.client(
                service,  # type: ignore[call-overload]
                endpoint_url=self._config.endpoints.get(service),
                config=Config(proxies={}, retries={"mode": "standard", "max_attempts": 3}),
            )
        except BotoCoreError as error:
            raise StandInError(f"the provider's configuration can't be used: {error}") from None
        refuse_elsewhere(made.meta.endpoint_url)
        return made

    def call(self, doing: str, action: Callable[[], T], retry: Judge | None = None) -> T:
        """Do something on AWS, trying again while ``retry`` says that the error passes.

        Args:
            doing: what is done, for the message: ``creating sqs.Queue (name)``.
            action: the call.
            retry: whether an error is one of eventual consistency.

        Raises:
            AwsRefused: AWS answered with an error.
            StandInError: AWS could not be reached, or the request is malformed.
        """
        ends = time.monotonic() + PROPAGATION_SECONDS
        while True:
            try:
                return action()
            except ClientError as error:
                refused = AwsRefused(doing, error)
                if retry is None or not retry(refused) or time.monotonic() > ends or self.stopping.is_set():
                    raise refused from None
            except BotoCoreError as error:
                # The text of a parameter error repeats the values.
                detail = "" if isinstance(error, ParamValidationError) else f": {error}"
                raise StandInError(f"{doing}: {type(error).__name__}{detail}") from None
            self.stopping.wait(_PAUSE_SECONDS)

    def unless_missing(self, doing: str, action: Callable[[], T], *codes: str, retry: Judge | None = None) -> T | None:
        """The same; None when AWS answers one of the error codes, which say that the thing is not there."""
        try:
            return self.call(doing, action, retry)
        except AwsRefused as refused:
            if refused.code in codes:
                return None
            raise

    def wait(self, doing: str, ready: Callable[[], bool]) -> None:
        """Wait until ``ready``.

        Raises:
            StandInError: it takes longer than a minute.
        """
        ends = time.monotonic() + 60
        while not ready():
            if time.monotonic() > ends or self.stopping.is_set():
                raise StandInError(f"{doing}: not done after a minute")
            self.stopping.wait(_PAUSE_SECONDS)


def _region(config: ProviderConfig) -> str:
    """The region of the configuration, else of the environment, else of the profile: the real plugin's order."""
    found = config.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    try:
        found = found or botocore.session.Session(profile=config.profile).get_config_variable("region")
    except BotoCoreError as error:
        raise StandInError(f"the provider's configuration can't be used: {error}") from None
    if not found:
        raise StandInError("the provider configuration region is missing: set aws:region, or AWS_REGION")
    return str(found)


def _only_loopback(**event: Any) -> None:
    refuse_elsewhere(event["request"].url)
