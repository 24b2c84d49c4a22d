"""Whether a secret is accepted: every answer of Amazon's to the candidate and to the control, young and old."""

from datetime import datetime, timedelta

import pytest

from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import TokenFault, TokenNotIssued
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.ports import CallAnswer, Scope
from spapi_rotation_lambda.use_cases.verification import accepted, amazon_says
from tests.fakes.amazon import Issued
from tests.fakes.interposer import traced
from tests.fakes.world import CLIENT_ID, World
from tests.unit.conftest import MakeWorld

A, E, D, T, U, O = (  # noqa: E741
    CallAnswer.ACCEPTED,
    CallAnswer.EXPIRED,
    CallAnswer.DENIED,
    CallAnswer.THROTTLED,
    CallAnswer.UNAVAILABLE,
    CallAnswer.OTHER,
)
NEVER, LWA, LATE = "never", "LWA decides", "LWA decides from 24 hours on"

DECIDED: dict[tuple[CallAnswer, CallAnswer | None], str] = {
    **{(E, control): NEVER for control in (A, D, T, U, O, None)},
    (E, E): LATE,
    **{(candidate, A): NEVER for candidate in (D, T, U, O)},
    **{(candidate, control): LWA for candidate in (D, O) for control in (E, D, O, None)},
    **{(candidate, control): LATE for candidate in (D, O) for control in (T, U)},
    **{(candidate, control): LATE for candidate in (T, U) for control in (E, D, T, U, O, None)},
}
"""What becomes of a candidate that is not accepted, by the answers to it and to its control."""


def credentials(issued: Issued) -> Credentials:
    return Credentials(CLIENT_ID, Sensitive(issued.text), issued_at=issued.issued_at, expires_at=issued.expires_at)


def answering(world: World, monkeypatch: pytest.MonkeyPatch, *answers: CallAnswer | None) -> None:
    """The verification call gives these answers, one after the other, and no further one."""
    left = list(filter(None, answers))
    monkeypatch.setattr(world.amazon, "verification_call", lambda _: left.pop(0))


def decide(
    world: World, monkeypatch: pytest.MonkeyPatch, candidate: CallAnswer, control: CallAnswer | None, age: timedelta
) -> bool:
    stored_at = world.clock.now() - age
    new = credentials(Issued("canary-new", stored_at, stored_at + timedelta(days=180), stored_at))
    world.amazon.ever.append(Issued("canary-new", stored_at, stored_at, stored_at))
    current = credentials(world.amazon.ever[0]) if control is not None else None
    answering(world, monkeypatch, candidate, control)
    return accepted(world.ports, new, current, stored_at=stored_at)


def test_every_pair_of_answers_is_decided_here() -> None:
    controls = (*CallAnswer, None)
    assert set(DECIDED) == {(answer, control) for answer in CallAnswer if answer is not A for control in controls}


@pytest.mark.rule(id="VER-2")
@pytest.mark.rule(id="VER-3")
@pytest.mark.rule(id="VER-6")
@pytest.mark.parametrize(("pair", "decision"), DECIDED.items(), ids=lambda each: str(each))
@pytest.mark.parametrize(
    "age", [timedelta(minutes=44), timedelta(minutes=45), timedelta(hours=23.9), timedelta(days=1)]
)
def test_what_two_answers_decide(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    pair: tuple[CallAnswer, CallAnswer | None],
    decision: str,
    age: timedelta,
) -> None:
    expected = {NEVER: False, LWA: age >= timedelta(minutes=45), LATE: age >= timedelta(days=1)}[decision]
    assert decide(world, monkeypatch, *pair, age) is expected


@pytest.mark.rule(id="VER-1")
def test_an_accepted_candidate_needs_no_control_and_no_patience(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ports, calls = traced(world.ports)
    answering(world, monkeypatch, A)
    assert accepted(ports, credentials(world.amazon.newest), credentials(world.amazon.newest), stored_at=None)
    assert calls == ["token", "verification_call"]


@pytest.mark.rule(id="VER-2")
@pytest.mark.parametrize("answer", [E, T, U])
def test_where_the_control_would_change_nothing_it_is_not_asked(world: World, answer: CallAnswer) -> None:
    ports, calls = traced(world.ports)
    world.amazon.call_answer = answer
    secret = credentials(world.amazon.newest)
    assert not accepted(ports, secret, secret, stored_at=world.clock.now())
    assert calls == ["token", "verification_call"]


@pytest.mark.rule(id="VER-3")
@pytest.mark.parametrize("verification", list(Verification))
@pytest.mark.parametrize(
    ("issued_ago", "stored_ago", "expected"),
    [(46, 46, True), (44, 46, False), (46, 44, False), (None, 46, True), (None, 44, False), (46, None, True)],
)
def test_the_delay_counts_from_the_later_of_issue_and_storing(
    make_world: MakeWorld,
    verification: Verification,
    issued_ago: int | None,
    stored_ago: int | None,
    expected: bool,
) -> None:
    world = make_world(verification=verification)

    def ago(minutes: int | None) -> datetime | None:
        return None if minutes is None else world.clock.now() - timedelta(minutes=minutes)

    world.amazon.call_answer = D
    candidate = Credentials(CLIENT_ID, Sensitive(world.amazon.newest.text), issued_at=ago(issued_ago))
    assert accepted(world.ports, candidate, None, stored_at=ago(stored_ago)) is expected


@pytest.mark.rule(id="VER-6")
def test_what_is_stored_nowhere_is_not_accepted_while_amazon_is_unavailable(world: World) -> None:
    world.clock.advance(days=30)
    world.amazon.call_answer = U
    assert not accepted(world.ports, credentials(world.amazon.newest), None)
    world.amazon.call_answer = O
    assert accepted(world.ports, credentials(world.amazon.newest), None)


@pytest.mark.rule(id="VER-3")
@pytest.mark.parametrize("fault", list(TokenFault))
def test_lwas_rule_wants_a_token_for_the_candidate(world: World, fault: TokenFault) -> None:
    world.clock.advance(days=2)
    world.amazon.call_answer = O
    real = world.amazon.token

    def refuse(credentials: Credentials, scope: Scope) -> Sensitive:
        if scope is Scope.ROTATION:
            raise TokenNotIssued("refused", remedy="none", code="x", fault=fault)
        return real(credentials, scope)

    world.amazon.token = refuse  # type: ignore[method-assign]
    assert not accepted(world.ports, credentials(world.amazon.newest), None)


# What Amazon says about one value now.


@pytest.mark.rule(id="VER-5")
@pytest.mark.rule(id="LWA-1")
@pytest.mark.parametrize("verification", list(Verification))
@pytest.mark.parametrize(
    ("fault", "answer"),
    [(TokenFault.SECRET, E), (TokenFault.SETUP, O), (TokenFault.THROTTLED, T), (TokenFault.UNAVAILABLE, U)],
)
def test_a_token_that_is_not_issued_says_this_of_the_secret(
    make_world: MakeWorld, verification: Verification, fault: TokenFault, answer: CallAnswer
) -> None:
    world = make_world(verification=verification)
    world.amazon.token_failures.append(TokenNotIssued("refused", remedy="none", code="x", fault=fault))
    assert amazon_says(world.ports, credentials(world.amazon.newest)) is answer
    assert amazon_says(world.ports, credentials(world.amazon.newest)) is A, "never remembered"


@pytest.mark.rule(id="VER-5")
@pytest.mark.parametrize("answer", list(CallAnswer))
def test_amazon_says_what_the_call_says(world: World, answer: CallAnswer) -> None:
    world.amazon.call_answer = answer
    assert amazon_says(world.ports, credentials(world.amazon.newest)) is answer
    world.amazon.call_answer = None
    assert amazon_says(world.ports, credentials(world.amazon.newest)) is A, "never remembered"


@pytest.mark.rule(id="VER-4")
def test_with_verification_by_lwa_a_token_is_what_amazon_says(make_world: MakeWorld) -> None:
    world = make_world(verification=Verification.LWA)
    world.amazon.call_answer = D
    world.amazon.lwa_errors = {Scope.NOTIFICATIONS: (400, "invalid_scope")}
    ports, calls = traced(world.ports)
    assert amazon_says(ports, credentials(world.amazon.newest)) is A
    assert calls == ["token"]


@pytest.mark.rule(id="VER-4")
def test_what_is_neither_dated_nor_stored_is_taken_with_a_token(make_world: MakeWorld) -> None:
    world = make_world(verification=Verification.LWA)
    undated = Credentials(CLIENT_ID, Sensitive(world.amazon.newest.text))
    assert accepted(world.ports, undated, None)
