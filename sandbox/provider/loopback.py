"""The rule that keeps the stand-in away from real AWS: it talks to loopback addresses only."""

import ipaddress
from urllib.parse import urlsplit

from sandbox.provider.errors import StandInError


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine's loopback."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_elsewhere(url: str) -> None:
    """Let a loopback URL pass.

    Raises:
        StandInError: the URL leads anywhere else.
    """
    if not is_loopback(url):
        host = urlsplit(url).netloc.rpartition("@")[2] if "://" in url else url
        raise StandInError(
            f"the stand-in for pulumi-aws refuses to talk to {host}: it works on a loopback AWS endpoint only. "
            "Set AWS_ENDPOINT_URL to the emulator's address, or install the real plugin to work on AWS."
        )
