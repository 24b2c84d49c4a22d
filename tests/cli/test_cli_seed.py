"""``seed``: the client secret goes from the prompt or the pipe to the function, and nowhere else."""

import pytest

from tests.cli.fake_aws import ARN
from tests.cli.terminal import CANARY, Terminal
from tests.fakes.world import World
from tests.unit.test_state import received, unseeded


def newest(world: World) -> str:
    return world.amazon.newest.text


@pytest.fixture
def asked(terminal: Terminal) -> Terminal:
    """A person at a terminal, before a secret without credentials."""
    terminal.person = True
    unseeded(terminal.world)
    return terminal


def test_seed_asks_for_value_and_date_says_what_will_happen_and_confirms(asked: Terminal) -> None:
    world = asked.world
    in_use = world.labels()["AWSCURRENT"]
    typed = asked.type("seed", "shop", answers=f"{newest(world)}\n2026-03-01\ny\n")
    assert typed.code == 0, typed.err
    assert typed.out == f"shop: in use: version {world.labels()['AWSCURRENT']}\n"
    assert "shop (…89abcdef): UNSEEDED, the secret holds no credentials yet." in typed.err
    assert "Client secret (not shown): " in typed.err
    assert "The client secret of shop (issued 2026-03-01) is tried at Amazon." in typed.err
    assert f"Version {in_use}, in use now, becomes the previous one." in typed.err
    assert "Go on? [y/N]" in typed.err
    assert "State: CURRENT, in use, nothing to do." in typed.err
    value = world.value()
    assert value is not None
    assert value["client_secret"] == newest(world)
    assert value["client_secret_issued_at"] == "2026-03-01T00:00:00.000Z"
    assert value["region"] == "eu"


def test_the_value_travels_in_the_payload_of_seed_and_of_nothing_else(asked: Terminal) -> None:
    """The positive control of the search for canaries that every test here ends with."""
    asked.type("seed", "shop", "--debug", answers=f"{newest(asked.world)}\n\ny\n")
    events = asked.aws.function.events
    assert [event["operator"] for event in events] == ["applications", "status", "seed"]
    assert [newest(asked.world) in str(event) for event in events] == [False, False, True]
    assert events[2]["who"] == ARN
    assert events[2]["expect"]
    assert "issued_at" not in events[2]


def test_without_a_date_the_secret_is_undated(asked: Terminal) -> None:
    typed = asked.type("seed", "shop", answers=f"{newest(asked.world)}\n\ny\n")
    assert "(its dates unknown)" in typed.err
    assert "the schedule rotates 30 days after the adoption" in typed.err
    assert "State: UNDATED" in typed.err


def test_a_wrong_date_is_asked_for_again(asked: Terminal) -> None:
    typed = asked.type("seed", "shop", answers=f"{newest(asked.world)}\nyesterday\n2027-03-01\n2026-03-01\ny\n")
    assert typed.code == 0
    assert "This is neither a date nor a time with its offset." in typed.err
    assert "This lies too far ahead: 2027-03-01 00:00 UTC." in typed.err


@pytest.mark.parametrize("answers", ["{}\n\nn\n", "{}\n\n\n", "{}\n\n", "{}\n", ""])
def test_without_a_yes_nothing_is_sent(asked: Terminal, answers: str) -> None:
    typed = asked.type("seed", "shop", answers=answers.format(newest(asked.world)))
    assert typed.code == 1
    assert "Not confirmed. Nothing was done." in typed.err
    assert asked.aws.function.events[-1]["operator"] == "status"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_pipe_may_end_with_one_line_end(terminal: Terminal, end: str) -> None:
    unseeded(terminal.world)
    typed = terminal.type(
        *("seed", "shop", "--from-stdin", "--yes", "--issued-at", "2026-03-01T12:00:00Z"),
        answers=f"{newest(terminal.world)}{end}",
    )
    assert typed.code == 0, typed.err
    assert terminal.aws.function.events[-1]["client_secret"] == newest(terminal.world)
    assert terminal.aws.function.events[-1]["issued_at"] == "2026-03-01T12:00:00Z"


UNUSABLE = [
    (f" {CANARY}\n", "white space at its beginning or end"),
    (f"{CANARY} \n", "white space at its beginning or end"),
    (f"{CANARY}\n\n", "white space at its beginning or end"),
    (f"{CANARY}\t", "white space at its beginning or end"),
    (f"{CANARY}\n{CANARY}\n", "a line break"),
    (f"\x1b[200~{CANARY}\x1b[201~", "another character that is not text"),
    (f"{CANARY}".encode() + b"\xff\n", "another character that is not text"),
    (CANARY * 200, "longer than 4096"),
    ("\n", "is empty"),
    ("", "is empty"),
]


@pytest.mark.parametrize(("piped", "reason"), UNUSABLE, ids=[str(number) for number in range(len(UNUSABLE))])
def test_a_value_that_cannot_be_one_is_not_sent(terminal: Terminal, piped: str | bytes, reason: str) -> None:
    unseeded(terminal.world)
    typed = terminal.type("seed", "shop", "--from-stdin", "--yes", "--debug", "--json", answers=piped)
    assert reason in typed.error("UnusableClientSecret")
    assert typed.code == 2
    assert terminal.aws.function.events[-1]["operator"] == "status"


def test_a_typed_value_with_white_space_is_not_sent(asked: Terminal) -> None:
    typed = asked.type("seed", "shop", answers=f"{CANARY} \n\ny\n")
    assert typed.code == 2
    assert "white space at its beginning or end. Nothing was sent." in typed.err
    assert asked.aws.function.events[-1]["operator"] == "status"


def test_a_secret_that_amazon_does_not_accept_changes_nothing(terminal: Terminal) -> None:
    unseeded(terminal.world)
    before = terminal.world.labels()
    typed = terminal.type("seed", "shop", "--from-stdin", "--yes", "--json", "--debug", answers=CANARY)
    assert "Amazon does not accept these credentials" in typed.error("NotYetAccepted")
    assert typed.code == 1
    assert terminal.world.labels() == before
    assert terminal.aws.function.events[-1]["client_secret"] == CANARY


def test_a_newer_pending_secret_stops_it(asked: Terminal) -> None:
    world = asked.world
    world.seed()
    received(world)
    typed = asked.type("seed", "shop", answers=f"{newest(world)}\n2026-03-01\ny\n")
    assert typed.code == 1
    assert f"A received secret is pending, version {world.labels()['AWSPENDING']}. Nothing was asked for." in typed.err
    assert "What to do: Decide about that one first: spapi-rotation promote shop" in typed.err
    assert "seed" not in [event["operator"] for event in asked.aws.function.events]


def test_a_secret_that_changed_meanwhile_is_left_alone(asked: Terminal) -> None:
    asked.aws.function.just_before["seed"] = asked.world.seed
    typed = asked.type("seed", "shop", answers=f"{newest(asked.world)}\n\ny\n")
    assert typed.code == 1
    assert "the secret has changed since you looked. Nothing was done." in typed.err


def test_a_malformed_secret_is_seeded_and_the_broken_version_kept(asked: Terminal) -> None:
    asked.world.write("no JSON")
    broken = asked.world.labels()["AWSCURRENT"]
    typed = asked.type("seed", "shop", answers=f"{newest(asked.world)}\n2026-03-01\ny\n")
    assert typed.code == 0
    assert asked.world.labels()["AWSPREVIOUS"] == broken


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--issued-at", "2026-13-01"), "--issued-at is neither a date nor a time"),
        (("--issued-at", "2026-03-01T12:00:00"), "--issued-at is neither a date nor a time"),
        (("--issued-at", "2026-03-03"), "--issued-at lies too far ahead"),
        (("--expires-at", "soon"), "--expires-at is neither a date nor a time"),
        (("--expires-at", "2026-10-01"), "--expires-at lies too far ahead"),
    ],
)
def test_a_date_that_cannot_be_is_refused(terminal: Terminal, words: tuple[str, ...], reason: str) -> None:
    typed = terminal.type("seed", "shop", "--from-stdin", "--yes", *words, "--json", answers=CANARY)
    assert reason in typed.error("BadDate")
    assert typed.code == 2
    assert terminal.aws.function.events[-1]["operator"] == "status"


def test_the_expiry_alone_is_enough(terminal: Terminal) -> None:
    unseeded(terminal.world)
    typed = terminal.type(
        *("seed", "shop", "--from-stdin", "--yes", "--expires-at", "2026-08-28"), answers=newest(terminal.world)
    )
    assert typed.code == 0
    assert "(expiring 2026-08-28)" in typed.err
    assert "State: CURRENT" in typed.err


def test_a_pipe_cannot_confirm(terminal: Terminal) -> None:
    typed = terminal.type("seed", "shop", "--from-stdin", answers=CANARY)
    assert typed.code == 2
    assert "What to do: Add --yes." in typed.err
    assert not terminal.aws.function.events


def test_a_terminal_is_no_pipe(asked: Terminal) -> None:
    typed = asked.type("seed", "shop", "--from-stdin", answers=f"{CANARY}\n")
    assert typed.code == 2
    assert "Standard input is a terminal, which would show the client secret." in typed.err


@pytest.mark.parametrize(
    "words",
    [
        ("seed", "shop", CANARY),
        ("seed", CANARY),
        (CANARY,),
        ("seed", "shop", f"--client-secret={CANARY}"),
        ("seed", "shop", "--timeout", CANARY),
        ("rotate", "shop", "--timeout", CANARY),
        ("seed", "shop", "--issued-at", CANARY, "--yes"),
        ("seed", "--client-id", CANARY, "--yes"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--json",), ("--debug",)])
def test_a_secret_in_the_wrong_place_is_refused_and_not_repeated(
    terminal: Terminal, words: tuple[str, ...], more: tuple[str, ...]
) -> None:
    typed = terminal.type(*words, *more, *(() if words[0] == CANARY else ("--yes",) if len(words) == 2 else ()))
    assert typed.code in (1, 2)
    assert all(event["operator"] in ("applications", "status") for event in terminal.aws.function.events)
