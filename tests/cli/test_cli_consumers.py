"""``consumers``: who reads, who has not followed, and until when; how far back it looks, and what stops it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    SSLError,
)

from spapi_rotation_cli.trail import KEPT
from tests.cli.fake_aws import FakeAws, client_error
from tests.cli.fake_trail import ACCOUNT, recorded, role
from tests.cli.terminal import Terminal
from tests.fakes.world import CLIENT_ID, World

DENIED = "User: arn:aws:iam::123456789012:user/someone is not authorized to perform: cloudtrail:LookupEvents"


def secret_of(world: World) -> str:
    """What its consumers ask for."""
    return world.secret_id


def reads(aws: FakeAws, world: World, identity: dict[str, Any], **asked: Any) -> None:
    """Somebody reads it now."""
    aws.trail.events.append(recorded(world.clock.now(), secret_of(world), identity, **asked))


def rotated(terminal: Terminal) -> datetime:
    """A rotation goes its whole way; when the new secret came into use."""
    terminal.type("rotate", "shop", "--yes", "--no-wait")
    terminal.world.clock.advance(minutes=1)
    terminal.world.drain()
    at = terminal.world.clock.now()
    terminal.world.clock.advance(minutes=1)
    return at


@pytest.fixture
def two(terminal: Terminal, aws: FakeAws) -> Terminal:
    """Two consumers and the function have read; a rotation came; one of the two and the function have read again."""
    world = terminal.world
    for name in ("orders", "reports"):
        reads(aws, world, role(name))
    reads(aws, world, role("rotation-role", "rotation"))
    world.clock.advance(hours=1)
    rotated(terminal)
    reads(aws, world, role("orders"))
    reads(aws, world, role("rotation-role", "rotation"))
    reads(aws, world, role("admin", "ann", mfa=True))
    world.clock.advance(hours=3)
    return terminal


def readers(document: Any) -> dict[str, Any]:
    (application,) = document["applications"]
    return {each["principal"]: each for each in application["readers"]}


def test_before_a_rotation_everybody_has_the_secret_in_use(terminal: Terminal, aws: FakeAws) -> None:
    reads(aws, terminal.world, role("orders"))
    terminal.world.clock.advance(hours=1)
    typed = terminal.type("consumers")
    assert typed.code == 0
    assert typed.out.splitlines()[0] == "shop (…89abcdef): 1 consumer, all on the secret in use"
    assert "✗" not in typed.out


def test_who_has_not_read_since_is_named_with_the_day_on_which_it_breaks(two: Terminal) -> None:
    typed = two.type("consumers", "shop")
    assert typed.code == 3
    lines = typed.out.splitlines()
    assert lines[0] == "shop (…89abcdef): 1 of 2 consumers not on the secret in use"
    assert [line.split()[:2] for line in lines if line.startswith("  ✗")] == [["✗", "role/reports"]]
    (behind,) = (line for line in lines if "role/reports" in line)
    dies = two.world.amazon.newest.issued_at + timedelta(days=7)
    assert f"breaks in 6 days ({dies.strftime('%Y-%m-%d %H:%M UTC')})" in behind
    assert [line.split()[1] for line in lines if line.startswith("  ✓")] == ["role/orders"]
    assert "the rotation function" in next(line for line in lines if "rotation-role" in line)
    assert "a person" in next(line for line in lines if "role/admin" in line)
    assert "A read shows after up to 15 minutes" in typed.err


def test_its_json(two: Terminal) -> None:
    typed = two.type("consumers", "--json")
    assert typed.code == typed.document["exit_code"] == 3
    assert typed.document["complete"] is True
    (application,) = typed.document["applications"]
    assert (application["application"], application["client_id"]) == ("shop", CLIENT_ID)
    assert application["secret_id"] == secret_of(two.world)
    found = readers(typed.document)
    assert {name: (each["kind"], each["followed"]) for name, each in found.items()} == {
        "role/reports": ("consumer", False),
        "role/orders": ("consumer", True),
        "role/rotation-role": ("function", None),
        "role/admin": ("person", None),
    }
    dies = two.world.amazon.newest.issued_at + timedelta(days=7)
    assert datetime.fromisoformat(found["role/reports"]["breaks_at"]) == dies
    assert datetime.fromisoformat(application["old_secret_dies_at"]) == dies
    assert (found["role/orders"]["reads"], found["role/orders"]["account"]) == (2, ACCOUNT)


def test_after_it_has_read_everybody_has_followed(two: Terminal, aws: FakeAws) -> None:
    reads(aws, two.world, role("reports", "another-task"))
    two.world.clock.advance(minutes=10)
    typed = two.type("consumers")
    assert typed.code == 0
    assert "2 consumers, all on the secret in use" in typed.out


def test_after_the_old_one_is_dead_it_is_broken_or_gone(two: Terminal) -> None:
    two.world.clock.advance(days=8)
    typed = two.type("consumers")
    assert typed.code == 3
    assert "broken since 2026-03-" in typed.out
    assert "old secret     died " in typed.out


def test_a_read_that_was_denied_is_none(two: Terminal, aws: FakeAws) -> None:
    reads(aws, two.world, role("reports"), errorCode="AccessDenied", errorMessage="denied")
    assert two.type("consumers").code == 3


def test_the_secret_before_stays_with_a_reader_that_names_its_version(terminal: Terminal, aws: FakeAws) -> None:
    rotated(terminal)
    reads(aws, terminal.world, role("orders"), versionStage="AWSPREVIOUS")
    terminal.world.clock.advance(minutes=1)
    found = readers(terminal.type("consumers", "--json").document)["role/orders"]
    assert (found["followed"], found["breaks_at"] is not None) == (False, True)


def test_a_rotation_that_the_log_no_longer_tells_of_is_known_from_the_secret(two: Terminal) -> None:
    two.world.recorder.log.clear()
    typed = two.type("consumers", "--json")
    assert [each for each, one in readers(typed.document).items() if one["followed"] is False] == ["role/reports"]


def test_an_owners_edit_is_no_change_of_the_value(two: Terminal) -> None:
    """The version in use is a newer one then; who has read since the rotation has the value all the same."""
    in_use = two.world.value()
    assert in_use is not None
    two.world.write({**in_use, "owner_note": "edited"})
    two.world.clock.advance(minutes=5)
    found = readers(two.type("consumers", "--json").document)
    assert [each for each, one in found.items() if one["followed"] is False] == ["role/reports"]


def test_after_a_rollback_everybody_reads_again(two: Terminal, aws: FakeAws) -> None:
    two.type("rollback", "shop", "--yes")
    two.world.clock.advance(minutes=1)
    reads(aws, two.world, role("reports"))
    two.world.clock.advance(minutes=1)
    found = readers(two.type("consumers", "--json").document)
    assert (found["role/orders"]["followed"], found["role/reports"]["followed"]) == (False, True)


def test_nobody_reads(terminal: Terminal) -> None:
    typed = terminal.type("consumers")
    assert typed.code == 0
    assert "no consumer has read the secret" in typed.out


def test_several_applications_are_read_in_one_look(two: Terminal, aws: FakeAws) -> None:
    other = World()
    other.seed()
    other.clock.time = two.world.clock.time
    aws.function.add("outlet", other)
    typed = two.type("consumers", "--json")
    assert [each["application"] for each in typed.document["applications"]] == ["shop", "outlet"]
    assert len(aws.trail.asked) == 1


def test_an_application_that_cannot_be_read_hides_no_other(two: Terminal, aws: FakeAws) -> None:
    outlet = World()
    outlet.seed()
    outlet.clock.time = two.world.clock.time
    aws.function.add("outlet", outlet)
    aws.function.fail("status", {"errorType": "Runtime.ExitError", "errorMessage": "x"})
    typed = two.type("consumers", "--json")
    assert typed.code == typed.document["exit_code"] == 1
    assert ["error" in each for each in typed.document["applications"]].count(True) == 1
    aws.function.fail("status", {"errorType": "Runtime.ExitError", "errorMessage": "x"})
    typed = two.type("consumers")
    assert typed.code == 1
    assert "cannot be read. The function failed" in typed.out


# How far back.


def test_it_looks_back_ninety_days_page_by_page(two: Terminal, aws: FakeAws) -> None:
    now = two.world.clock.now().replace(microsecond=0)
    aws.trail.events += [recorded(now - timedelta(hours=each), "another", role("busy")) for each in range(1, 200)]
    typed = two.type("consumers", "--json")
    assert typed.code == 3
    assert len(aws.trail.asked) == 5
    assert all(each["EndTime"] - each["StartTime"] == KEPT for each in aws.trail.asked)
    # Two lookups a second are allowed.
    assert two.world.clock.now() - now >= timedelta(seconds=2)


def test_a_look_that_ends_before_the_change_says_that_it_does_not_know(two: Terminal, aws: FakeAws) -> None:
    now = two.world.clock.now()
    aws.trail.events += [recorded(now - timedelta(minutes=each), "another", role("busy")) for each in range(60)]
    typed = two.type("consumers", "--calls", "1", "--json")
    assert (typed.code, typed.document["complete"]) == (1, False)
    typed = two.type("consumers", "--calls", "1")
    assert typed.code == 1
    assert "give more --calls" in typed.err
    assert two.type("consumers", "--calls", "2").code == 3


def test_since_is_a_date(two: Terminal, aws: FakeAws) -> None:
    since = (two.world.clock.now() - timedelta(days=1)).date().isoformat()
    assert two.type("consumers", "--since", since).code == 3
    assert aws.trail.asked[-1]["StartTime"] == datetime.fromisoformat(since).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--since", "2025-01-01"), "90 days"),
        (("--since", "2027-01-01"), "too far ahead"),
        (("--since", "last week"), "neither a date"),
        (("--calls", "0"), "--calls"),
        (("--calls", "many"), "--calls"),
        (("nobody",), "There are: shop"),
    ],
)
def test_what_is_not_usable_is_refused_before_anything_is_looked_up(
    two: Terminal, aws: FakeAws, words: tuple[str, ...], told: str
) -> None:
    typed = two.type("consumers", *words)
    assert typed.code == 2
    assert told in typed.err
    assert not aws.trail.asked


# What stops it.


@pytest.mark.parametrize(
    ("failure", "kind", "told"),
    [
        (client_error("AccessDeniedException", DENIED, "LookupEvents"), "AccessDenied", "cloudtrail:LookupEvents"),
        (client_error("ThrottlingException", "", "LookupEvents"), "Throttled", "allows two a second"),
        (client_error("ExpiredTokenException", "", "LookupEvents"), "NotSignedIn", "aws sso login"),
        (client_error("AccessDenied", "", "AssumeRole"), "NotSignedIn", "aws sso login"),
        (client_error("InternalError", "", "LookupEvents"), "AwsFailed", "InternalError, request id request-7"),
        (EndpointConnectionError(endpoint_url="https://x"), "NoConnection", "--region"),
        (ConnectTimeoutError(endpoint_url="https://x"), "NoConnection", "--region"),
        (ProxyConnectionError(proxy_url="http://proxy"), "NoConnection", "a proxy"),
        (SSLError(endpoint_url="https://x", error=OSError("self-signed certificate")), "NoConnection", "AWS_CA_BUNDLE"),
        (NoCredentialsError(), "NoCredentials", "--profile"),
    ],
)
def test_a_failing_lookup_is_told_with_its_remedy(
    two: Terminal, aws: FakeAws, failure: Exception, kind: str, told: str
) -> None:
    aws.trail.failures.append(failure)
    typed = two.type("consumers", "--json")
    assert typed.code == 1
    assert told in typed.error(kind)


def test_a_busy_cloudtrail_is_asked_again_by_the_client_itself(two: Terminal, aws: FakeAws) -> None:
    two.type("consumers")
    config: Config = aws.configs["cloudtrail"]
    assert config.retries == {"mode": "standard", "total_max_attempts": 6}  # type: ignore[attr-defined]


def test_its_help_names_the_right(terminal: Terminal) -> None:
    assert "cloudtrail:LookupEvents" in terminal.type("consumers", "--help", found=()).out
