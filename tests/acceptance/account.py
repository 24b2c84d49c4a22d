"""The AWS account of an acceptance run: named by profile and region, never taken from the surroundings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_SURROUNDINGS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NoAccount(Exception):
    """The account can't be used; the text says why."""


@dataclass(frozen=True)
class Account:
    """An AWS account and a region, seen through one profile.

    Attributes:
        profile: the profile's name.
        region: the region.
        account_id: whose account it is.
        caller: the ARN of who acts.
        rehearsal: whether it is no AWS at all, but an emulator on this machine.
    """

    profile: str
    region: str
    account_id: str
    caller: str
    rehearsal: bool
    session: boto3.Session

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self.session.client(service)  # type: ignore[call-overload]

    def environment(self) -> dict[str, str]:
        """What Pulumi needs: this process's environment, with this profile and region and no other credentials."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in (*_SURROUNDINGS, *_KEYS) and not name.startswith("PULUMI_")
        }
        return {**kept, "AWS_PROFILE": self.profile, "AWS_REGION": self.region}


def open_account(profile: str, region: str, environ: Mapping[str, str] = os.environ) -> Account:
    """Find out whose account it is. Nothing is changed there.

    Raises:
        NoAccount: no such profile, or its credentials don't work.
    """
    if not profile.strip() or not region.strip():
        raise NoAccount("--profile and --region must not be empty.")
    if set_keys := [name for name in _KEYS if name in environ]:
        # The engine would be given these in place of the profile's.
        raise NoAccount(f"Unset {', '.join(set_keys)}: the account must come from --profile alone.")
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        sts: Any = session.client("sts")
        caller = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise NoAccount(f"The profile {profile} can't be used: {error}") from error
    host = urlsplit(sts.meta.endpoint_url).hostname
    return Account(profile, region, str(caller["Account"]), str(caller["Arn"]), host in _LOOPBACK, session)
