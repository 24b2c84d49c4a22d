"""The use case *settle*, with verification."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import MalformedSecret, NotPublished, StoreFailed
from spapi_rotation_lambda.domain.events import RejectedBy, SecretRejected
from spapi_rotation_lambda.domain.labels import Label, derived_id
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import CallAnswer, LabelMoved, Metric, Ports, Scope
from spapi_rotation_lambda.use_cases import operator_actions
from spapi_rotation_lambda.use_cases.settle import Outcome, settle
from tests.fakes.amazon import Issued, Whose
from tests.fakes.interposer import Crash, interposed, traced
from tests.fakes.world import CLIENT_ID, World, sealed
from tests.unit.conftest import MakeWorld
from tests.unit.support import raises


def run(world: World, ports: Ports | None = None) -> Outcome:
    return settle(ports or world.ports, world.application).outcome


def document(issued: Issued, previous_expires_at: datetime | None = None, **more: Any) -> str:
    data = {
        "client_id": CLIENT_ID,
        "client_secret": issued.text,
        "client_secret_issued_at": format_time(issued.issued_at),
        "client_secret_expires_at": format_time(issued.expires_at),
        "rotation_id": "rotation-1",
    }
    if previous_expires_at is not None:
        data["previous_client_secret_expires_at"] = format_time(previous_expires_at)
    return json.dumps({**sealed(data), **more})


def received(world: World, **more: Any) -> Issued:
    """A rotation whose secret is stored and labelled, and not yet settled."""
    new = world.amazon.rotate_by_hand(message=False)
    world.store.put(
        world.secret_id, "new", document(new, world.amazon.ever[-2].expires_at, **more), {Label.RECEIVED, Label.PENDING}
    )
    return new


def in_use(world: World) -> str:
    return str((world.value() or {})["client_secret"])


# 1. Nothing pending.


def test_an_unseeded_secret_has_nothing_to_settle(make_world: MakeWorld) -> None:
    assert run(make_world()) is Outcome.UNSEEDED


def test_nothing_pending_costs_one_list_and_one_value(world: World) -> None:
    run(world)
    ports, calls = traced(world.ports)
    assert run(world, ports) is Outcome.NOTHING_PENDING
    assert calls == ["versions", "read"]


@pytest.mark.rule(id="SET-1")
def test_a_stale_write_of_the_owner_is_put_right(world: World) -> None:
    received(world)
    assert run(world) is Outcome.PROMOTED
    world.clock.advance(hours=1)
    world.seed(world.amazon.ever[0], edited="yes")
    assert in_use(world) == world.amazon.ever[0].text
    assert run(world) is Outcome.PROMOTED
    assert in_use(world) == world.amazon.newest.text
    assert (world.value() or {})["edited"] == "yes"
    assert Label.PENDING not in world.labels()
    assert run(world) is Outcome.NOTHING_PENDING, "what the owner wrote is newer as a version, not as a secret"


@pytest.mark.rule(id="SET-1")
def test_a_stale_write_is_put_right_whatever_was_rejected_before(world: World) -> None:
    received(world)
    operator_actions.reject(world.ports, world.application)
    world.clock.advance(days=1)
    newest = world.amazon.rotate_by_hand()
    world.drain()
    assert in_use(world) == newest.text
    assert Label.REJECTED in world.labels()
    world.clock.advance(hours=1)
    world.write({**(world.value(Label.PREVIOUS) or {}), "edited": "yes"})
    assert run(world) is Outcome.PROMOTED
    assert in_use(world) == newest.text


def test_a_secret_that_was_rejected_stays_so_although_the_owner_wrote_it_again(world: World) -> None:
    received(world)
    assert run(world) is Outcome.PROMOTED
    new = in_use(world)
    world.clock.advance(hours=1)
    operator_actions.rollback(world.ports, world.application)
    old = world.value() or {}
    world.write({**(world.value(Label.REJECTED) or {}), "edited": "yes"})
    world.write(old)
    assert (world.value(Label.PREVIOUS) or {})["client_secret"] == new
    assert world.labels()[Label.PREVIOUS] != world.labels()[Label.REJECTED]
    assert run(world) is Outcome.NOTHING_PENDING


def test_of_two_secrets_that_were_rejected_neither_is_put_back(world: World) -> None:
    """The label is on the second one alone; the first one is the previous version."""
    received(world)
    assert run(world) is Outcome.PROMOTED
    old = world.amazon.ever[0].text
    world.clock.advance(hours=1)
    operator_actions.rollback(world.ports, world.application)
    world.amazon.usable_after = timedelta(hours=1)
    world.amazon.rotate_by_hand()
    world.drain()
    operator_actions.reject(world.ports, world.application)
    assert (world.value(Label.PREVIOUS) or {})["client_secret"] == world.amazon.ever[1].text
    assert Label.REJECTED in world.labels()
    assert run(world) is Outcome.NOTHING_PENDING
    assert in_use(world) == old


@pytest.mark.rule(id="SET-1")
def test_two_stale_writes_of_the_owner_are_put_right(world: World) -> None:
    """After the second one the newer secret is not even the previous one any more."""
    received(world, region="eu")
    assert run(world) is Outcome.PROMOTED
    promoted = world.labels()[Label.CURRENT]
    world.clock.advance(hours=1)
    for number in range(2):
        world.seed(world.amazon.ever[0], edited=number)
    assert world.store.secrets[world.secret_id].versions[promoted].labels == {Label.RECEIVED, Label.FIRST_SEEN}
    assert run(world) is Outcome.PROMOTED
    assert in_use(world) == world.amazon.newest.text
    assert (world.value() or {})["edited"] == 1


def test_a_receipt_that_did_not_come_to_its_end_is_finished_without_an_alarm(world: World) -> None:
    """Its label was not moved, so the message was not acknowledged and comes again; nothing was overwritten."""
    world.amazon.rotate_by_hand(message=False)
    world.clock.advance(hours=1)
    world.store.put(world.secret_id, "new", document(world.amazon.newest), {Label.RECEIVED})
    assert run(world) is Outcome.PROMOTED
    assert world.recorder.counted(Metric.OVERWRITTEN) == 0


def test_a_rejected_secret_is_not_put_back_over_the_owners_choice(world: World) -> None:
    received(world)
    run(world)
    world.seed(world.amazon.ever[0])
    world.store.move(world.secret_id, Label.REJECTED, to="new", away_from=None)
    assert run(world) is Outcome.NOTHING_PENDING
    assert in_use(world) == world.amazon.ever[0].text


def test_an_older_or_undated_previous_secret_stays_where_it_is(world: World) -> None:
    received(world)
    run(world)
    assert run(world) is Outcome.NOTHING_PENDING
    world.write({"client_id": CLIENT_ID, "client_secret": "canary-undated"})
    world.seed(world.amazon.newest)
    assert run(world) is Outcome.NOTHING_PENDING


def test_an_owner_who_only_changes_a_date_is_left_alone(world: World) -> None:
    """Otherwise each check would publish the same rotation again."""
    earlier = world.amazon.newest.issued_at - timedelta(seconds=1)
    world.seed(client_secret_issued_at=None)
    world.write(json.loads(document(world.amazon.newest)) | {"client_secret_issued_at": format_time(earlier)})
    for _ in range(3):
        assert run(world) is Outcome.NOTHING_PENDING
    assert world.recorder.events == []


# 2. Verification.


@pytest.mark.rule(id="SET-5")
def test_an_accepted_secret_is_promoted_at_once(world: World) -> None:
    new = received(world)
    ports, calls = traced(world.ports)
    assert run(world, ports) is Outcome.PROMOTED
    assert [call for call in calls if call in ("token", "verification_call")] == ["token", "verification_call"]
    assert in_use(world) == new.text


@pytest.mark.rule(id="VER-1")
def test_a_token_alone_proves_nothing(world: World) -> None:
    """LWA knows the secret at once; SP-API accepts it half an hour later."""
    world.amazon.usable_after = timedelta(minutes=30)
    received(world)
    assert run(world) is Outcome.NOT_YET
    assert in_use(world) == world.amazon.ever[0].text
    assert world.recorder.counted(Metric.NOT_YET) == 1
    world.clock.advance(minutes=30)
    assert run(world) is Outcome.PROMOTED


def test_a_secret_that_lwa_refuses_is_not_promoted_however_old(world: World) -> None:
    received(world)
    world.amazon.ever.pop()
    world.clock.advance(days=5)
    assert run(world) is Outcome.NOT_YET


@pytest.mark.rule(id="VER-3")
@pytest.mark.parametrize(("minutes", "outcome"), [(44.9, Outcome.NOT_YET), (45, Outcome.PROMOTED)])
def test_when_the_call_is_refused_to_the_current_secret_too_lwa_decides_after_the_delay(
    world: World, minutes: float, outcome: Outcome
) -> None:
    world.amazon.calls_allowed = False
    received(world)
    world.clock.advance(minutes=minutes)
    assert run(world) is outcome


def test_without_a_delay_lwa_decides_at_once(make_world: MakeWorld) -> None:
    world = make_world(promote_delay=timedelta(0))
    world.seed()
    world.clock.advance(days=1)
    world.amazon.calls_allowed = False
    received(world)
    assert run(world) is Outcome.PROMOTED


@pytest.mark.rule(id="SET-5")
def test_the_versions_own_age_counts_not_the_secrets(world: World) -> None:
    """A message that came late: issued two days ago, stored now."""
    world.amazon.call_answer = CallAnswer.OTHER
    new = world.amazon.rotate_by_hand(message=False)
    world.clock.advance(days=2)
    world.store.put(world.secret_id, "new", document(new), {Label.RECEIVED, Label.PENDING})
    world.clock.advance(minutes=44)
    assert run(world) is Outcome.NOT_YET
    world.clock.advance(minutes=1)
    assert run(world) is Outcome.PROMOTED


@pytest.mark.rule(id="VER-4")
@pytest.mark.parametrize(("minutes", "outcome"), [(44.9, Outcome.NOT_YET), (45, Outcome.PROMOTED)])
def test_verification_by_lwa_makes_no_call_and_waits(make_world: MakeWorld, minutes: float, outcome: Outcome) -> None:
    world = make_world(verification=Verification.LWA)
    world.seed()
    world.clock.advance(days=1)
    received(world)
    world.clock.advance(minutes=minutes)
    ports, calls = traced(world.ports)
    assert run(world, ports) is outcome
    assert "verification_call" not in calls


def test_lwa_decides_by_a_token_for_the_rotation_itself(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(verification=Verification.LWA, promote_delay=timedelta(0))
    world.seed()
    world.clock.advance(days=1)
    received(world)
    mint, scopes = world.amazon.token, list[Scope]()

    def token(credentials: Credentials, scope: Scope) -> Sensitive:
        scopes.append(scope)
        return mint(credentials, scope)

    monkeypatch.setattr(world.amazon, "token", token)
    assert run(world) is Outcome.PROMOTED
    assert scopes == [Scope.ROTATION]


# 3. Promotion.


@pytest.mark.rule(id="SET-6")
def test_the_order_is_verify_read_again_swap_publish_take_off(world: World) -> None:
    received(world)
    ports, calls = traced(world.ports)
    run(world, ports)
    told = [call for call in calls if call != "read"]
    assert told == [
        "versions",
        "move ROTATION_FIRST_SEEN",
        "token",
        "verification_call",
        "versions",
        "write ROTATION_RECEIVED",
        "move AWSCURRENT",
        "move ROTATION_FIRST_SEEN",
        "rotated",
        "remove AWSPENDING",
    ]


@pytest.mark.rule(id="SET-7")
def test_the_owners_keys_of_today_are_merged_into_a_new_version(world: World) -> None:
    world.seed(region="eu")
    before = world.labels()[Label.CURRENT]
    received(world, region="old", dropped="old")
    assert run(world) is Outcome.PROMOTED
    now = world.value() or {}
    assert (now["client_secret"], now["region"]) == (world.amazon.newest.text, "eu")
    assert "dropped" not in now
    assert world.labels()[Label.CURRENT] == derived_id("promote", "new", before)
    assert Label.PENDING not in world.labels()
    assert world.labels()[Label.PREVIOUS] == before


def test_an_equal_document_is_promoted_as_it_is(world: World) -> None:
    """That of a message which already remembers the secret that it replaces."""
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(days=10)
    world.amazon.usable_after = timedelta(hours=1)
    world.amazon.rotate_by_hand()
    world.drain()
    stored = world.labels()[Label.PENDING]
    world.clock.advance(hours=1)
    run(world)
    assert world.labels()[Label.CURRENT] == stored


@pytest.mark.parametrize("change", [{"a": 1}, {"a": True}, {"a": 1.0}])
def test_an_owners_edit_of_a_keys_type_is_an_edit(world: World, change: dict[str, Any]) -> None:
    world.seed(a=1)
    received(world, a=1)
    world.seed(world.amazon.ever[0], **change)
    run(world)
    value = (world.value() or {})["a"]
    assert (type(value), value) == (type(change["a"]), change["a"])


@pytest.mark.rule(id="SET-8")
def test_a_value_that_the_owner_writes_before_the_swap_is_not_lost(world: World) -> None:
    """The swap is from exactly the version that was merged, so it is refused and everything is read again."""
    received(world)
    edits: list[str] = []

    def edit(name: str) -> None:
        if name == "move AWSCURRENT" and not edits:
            edits.append(name)
            world.seed(world.amazon.ever[0], region="eu")

    assert run(world, interposed(world.ports, before=edit)) is Outcome.PROMOTED
    assert ((world.value() or {})["region"], in_use(world)) == ("eu", world.amazon.newest.text)


def test_a_newer_secret_that_the_owner_puts_in_during_verification_is_kept(world: World) -> None:
    received(world)
    newest: list[Issued] = []

    def edit(name: str) -> None:
        if name == "verification_call" and not newest:
            world.clock.advance(minutes=1)
            newest.append(world.amazon.rotate_by_hand(message=False))
            world.seed(newest[0])

    assert run(world, interposed(world.ports, before=edit)) is Outcome.TAKEN_OFF
    assert in_use(world) == newest[0].text
    assert Label.PENDING not in world.labels()
    assert world.recorder.events == []


@pytest.mark.rule(id="SET-3")
def test_the_same_secret_that_the_owner_puts_in_during_verification_is_published(world: World) -> None:
    new = received(world)
    edits: list[str] = []

    def edit(name: str) -> None:
        if name == "verification_call" and not edits:
            edits.append(name)
            world.seed(new)

    assert run(world, interposed(world.ports, before=edit)) is Outcome.PROMOTED
    assert [event.version_id for event in world.recorder.events] == [world.labels()[Label.CURRENT]]
    assert world.labels()[Label.CURRENT] != "new"


@pytest.mark.rule(id="SET-6")
def test_a_newer_secret_that_arrives_during_verification_is_settled_instead(world: World) -> None:
    received(world)
    bodies: list[str] = []

    def arrive(name: str) -> None:
        if name == "verification_call" and not bodies:
            world.clock.advance(minutes=1)
            world.amazon.rotate_by_hand()
            bodies.append(world.queue.visible.pop())
            newest = world.amazon.newest
            world.store.move(world.secret_id, Label.PENDING, to=None, away_from="new")
            world.store.put(world.secret_id, "newest", document(newest), {Label.PENDING})

    assert run(world, interposed(world.ports, before=arrive)) is Outcome.PROMOTED
    assert in_use(world) == world.amazon.newest.text
    assert in_use(world) == world.amazon.newest.text


@pytest.mark.rule(id="SET-4")
@pytest.mark.parametrize("hours", [0, -1])
def test_a_pending_secret_that_is_not_newer_is_taken_off_unpublished(world: World, hours: int) -> None:
    old = world.amazon.newest
    late = Issued("canary-late", old.issued_at + timedelta(hours=hours), old.expires_at, old.issued_at)
    world.store.put(world.secret_id, "late", document(late), {Label.PENDING})
    ports, calls = traced(world.ports)
    assert run(world, ports) is Outcome.TAKEN_OFF
    assert "pending_is_not_newer" in dict(world.recorder.lines)
    assert Label.PENDING not in world.labels()
    assert world.recorder.events == []
    assert in_use(world) == old.text
    assert "verification_call" not in calls


def of_unknown_order(world: World) -> Issued:
    """A received secret is pending; minutes later a person puts another one in, without dates."""
    new = received(world)
    world.clock.advance(minutes=1)
    world.write({"client_id": CLIENT_ID, "client_secret": world.amazon.ever[-2].text})
    return new


@pytest.mark.rule(id="SET-4")
def test_where_the_order_is_unknown_amazon_decides_for_the_one_that_lives(make_world: MakeWorld) -> None:
    world = make_world()
    world.clock.advance(days=1)
    new = of_unknown_order(world)
    assert run(world) is Outcome.NOT_YET
    assert world.recorder.counted(Metric.ORDER_UNKNOWN) == 1
    world.clock.advance(days=6)
    assert run(world) is Outcome.NOT_YET
    world.clock.advance(days=1)  # the older one dies
    assert run(world) is Outcome.PROMOTED
    assert in_use(world) == new.text


@pytest.mark.rule(id="SET-4")
def test_where_the_order_is_unknown_amazon_decides_against_the_one_that_dies(make_world: MakeWorld) -> None:
    world = make_world()
    world.clock.advance(days=1)
    new = received(world)
    later = world.amazon.rotate_by_hand(message=False)
    world.clock.advance(minutes=1)
    world.write({"client_id": CLIENT_ID, "client_secret": later.text})
    assert run(world) is Outcome.NOT_YET
    world.clock.advance(days=7)
    assert run(world) is Outcome.TAKEN_OFF
    assert in_use(world) == later.text
    assert (world.value(Label.SUPERSEDED) or {})["client_secret"] == new.text
    assert Label.PENDING not in world.labels()


@pytest.mark.rule(id="SET-4")
def test_after_eight_days_without_a_decision_a_person_decides(make_world: MakeWorld) -> None:
    world = make_world()
    world.clock.advance(days=1)
    of_unknown_order(world)
    world.amazon.call_answer = CallAnswer.ACCEPTED
    world.clock.advance(days=7, hours=23)
    assert run(world) is Outcome.NOT_YET
    world.clock.advance(hours=1)
    assert run(world) is Outcome.REJECTED
    assert [event.by for event in world.recorder.told if isinstance(event, SecretRejected)] == [RejectedBy.UNDECIDED]
    assert Label.PENDING not in world.labels()
    assert world.recorder.counted(Metric.CONTRADICTORY) == 1


@pytest.mark.rule(id="SET-10")
@pytest.mark.rule(id="P-5")
def test_a_secret_of_unknown_order_is_never_stuck_and_has_its_own_alarm(make_world: MakeWorld) -> None:
    world = make_world()
    world.clock.advance(days=1)
    of_unknown_order(world)
    world.amazon.call_answer = CallAnswer.ACCEPTED
    world.clock.advance(days=6, hours=12)  # what the pending one announced is 12 hours away
    assert world.check() == "RECEIVED"
    assert (world.recorder.counted(Metric.ORDER_UNKNOWN), world.recorder.counted(Metric.STUCK)) == (1, 0)


@pytest.mark.rule(id="SET-2")
def test_rejecting_resumes_after_a_crash_between_its_two_labels(make_world: MakeWorld) -> None:
    world = make_world()
    world.clock.advance(days=1)
    of_unknown_order(world)
    world.amazon.call_answer = CallAnswer.ACCEPTED
    world.clock.advance(days=8)

    def die(name: str) -> None:
        if name == "remove AWSPENDING":
            raise Crash

    with pytest.raises(Crash):
        run(world, interposed(world.ports, before=die))
    assert run(world) is Outcome.REJECTED
    assert Label.PENDING not in world.labels()


@pytest.mark.parametrize("seeded", [True, False], ids=["seeded", "placeholder"])
def test_what_a_person_rejects_is_never_promoted(make_world: MakeWorld, seeded: bool) -> None:
    world = make_world()
    if seeded:
        world.seed()
    else:
        world.write({"region": "eu"})
    world.clock.advance(days=1)
    received(world)
    world.store.move(world.secret_id, Label.REJECTED, to="new", away_from=None)
    assert run(world) is Outcome.REJECTED
    assert Label.PENDING not in world.labels()
    assert (world.value() or {}).get("client_secret") != world.amazon.newest.text


def test_what_a_person_rejects_during_verification_is_not_promoted(world: World) -> None:
    received(world)

    def reject(name: str) -> None:
        if name == "verification_call":
            world.store.move(world.secret_id, Label.REJECTED, to="new", away_from=None)

    assert run(world, interposed(world.ports, before=reject)) is Outcome.REJECTED
    assert in_use(world) == world.amazon.ever[0].text


@pytest.mark.rule(id="SET-9")
def test_a_rotation_is_published_before_its_label_goes(world: World) -> None:
    received(world)

    def fail(name: str) -> None:
        if name == "rotated":
            raise NotPublished("EventBridge refused.", remedy="none")

    assert run(world, interposed(world.ports, before=fail)) is Outcome.PROMOTED
    (said,) = [fields for event, fields in world.recorder.lines if event == "event_not_published"]
    assert "EventBridge refused." in str(said["detail"])
    assert in_use(world) == world.amazon.newest.text
    assert world.labels()[Label.PENDING] == "new"
    assert run(world) is Outcome.PROMOTED
    assert Label.PENDING not in world.labels()
    assert [event.rotation_id for event in world.recorder.events] == ["rotation-1"]
    assert world.recorder.counted(Metric.PROMOTED) == 1


@pytest.mark.rule(id="SET-9")
def test_the_event_names_what_is_in_use_and_nothing_secret(world: World) -> None:
    new = received(world)
    run(world)
    (event,) = world.recorder.events
    assert event.version_id == world.labels()[Label.CURRENT]
    assert event.secret_arn == world.store.secrets[world.secret_id].arn
    assert (event.application, event.rotation_id) == (world.application, "rotation-1")
    assert (event.expires_at, event.previous_expires_at) == (new.expires_at, world.amazon.ever[0].expires_at)


def test_a_secret_over_a_placeholder_is_promoted(make_world: MakeWorld) -> None:
    world = make_world()
    world.write({"region": "eu"})
    received(world)
    assert run(world) is Outcome.PROMOTED
    assert (world.value() or {})["region"] == "eu"


# 4. Not accepted.


NO_TOKENS = dict.fromkeys(Scope, (503, "temporarily_unavailable"))
"""Then nothing can be verified."""


@pytest.mark.rule(id="SET-10")
@pytest.mark.rule(id="CHK-6")
@pytest.mark.parametrize(
    ("hours_left", "outcome", "metric"),
    [(24.1, Outcome.NOT_YET, Metric.NOT_YET), (24, Outcome.STUCK, Metric.STUCK), (-24, Outcome.STUCK, Metric.STUCK)],
)
def test_from_24_hours_before_the_old_secret_dies_it_is_stuck(
    world: World, hours_left: float, outcome: Outcome, metric: Metric
) -> None:
    received(world)
    world.amazon.lwa_errors = NO_TOKENS
    world.clock.advance(days=7, hours=-hours_left)
    assert run(world) is outcome
    value = 1.0 if metric is Metric.NOT_YET else hours_left / 24
    ((counted, days),) = world.recorder.metrics
    assert counted is metric
    assert days == pytest.approx(value)
    (line,) = [fields for event, fields in world.recorder.lines if event.startswith("secret_")]
    assert line["old_secret_dies_at"] == world.clock.now() + timedelta(hours=hours_left)
    assert world.labels()[Label.PENDING] == "new"


@pytest.mark.rule(id="SET-10")
def test_a_stuck_secret_is_still_tried(world: World) -> None:
    received(world)
    world.clock.advance(days=6.5)
    world.amazon.lwa_errors = NO_TOKENS
    assert run(world) is Outcome.STUCK
    world.amazon.lwa_errors = {}
    assert run(world) is Outcome.PROMOTED


@pytest.mark.parametrize(("days", "outcome"), [(178.9, Outcome.NOT_YET), (179, Outcome.STUCK)])
def test_without_the_older_secrets_date_the_currents_own_expiry_counts(
    make_world: MakeWorld, days: float, outcome: Outcome
) -> None:
    world = make_world()
    world.seed()
    newer = Issued("canary-x", world.clock.now() + timedelta(hours=1), world.clock.now(), world.clock.now())
    world.store.put(world.secret_id, "new", document(newer), {Label.PENDING})
    world.amazon.lwa_errors = NO_TOKENS
    world.clock.advance(days=days)
    assert run(world) is outcome


@pytest.mark.rule(id="VER-2")
def test_while_amazon_accepts_the_secret_in_use_a_denied_one_waits(world: World) -> None:
    """By LWA's rule alone it would come into use."""
    received(world)
    world.amazon.call_answer, world.amazon.call_answer_to = CallAnswer.DENIED, Whose.NEWEST
    world.clock.advance(days=2)
    assert run(world) is Outcome.NOT_YET
    world.amazon.call_answer_to = Whose.ALL
    assert run(world) is Outcome.PROMOTED


# Defects.


@pytest.mark.rule(id="SET-11")
@pytest.mark.parametrize("strange", ["{}", "canary-abcdef-1 is not json", "typed"])
def test_a_pending_version_that_no_message_brought_is_taken_off(world: World, strange: str) -> None:
    before = in_use(world)
    text = json.dumps({"client_id": CLIENT_ID, "client_secret": "canary-t"}) if strange == "typed" else strange
    world.store.put(world.secret_id, "new", text, {Label.PENDING})
    assert run(world) is Outcome.TAKEN_OFF
    assert Label.PENDING not in world.labels()
    assert in_use(world) == before
    assert ("pending_is_not_of_amazon", {"version_id": "new"}) in world.recorder.lines


def test_a_current_version_that_is_no_json_is_a_defect(world: World) -> None:
    world.store.put(world.secret_id, "bad", "canary-abcdef-1 is not json", {Label.CURRENT})
    with raises(world, MalformedSecret):
        run(world)


@pytest.mark.rule(id="SEC-5")
def test_a_previous_version_that_is_no_json_blocks_nothing(world: World) -> None:
    world.write("not json")
    world.seed()
    assert run(world) is Outcome.NOTHING_PENDING


@pytest.mark.rule(id="LAB-2")
def test_labels_that_never_stand_still_are_a_defect(world: World) -> None:
    received(world)

    def move(name: str) -> None:
        if name == "move AWSCURRENT":
            raise LabelMoved

    with raises(world, StoreFailed, match="keep moving"):
        run(world, interposed(world.ports, before=move))
    assert in_use(world) == world.amazon.ever[0].text


def test_a_promoted_version_with_other_content_is_a_defect(world: World) -> None:
    received(world)
    world.seed(world.amazon.ever[0], region="eu")
    forged = derived_id("promote", "new", world.labels()[Label.CURRENT])
    world.store.put(world.secret_id, forged, "{}", {"SOMETHING"})
    with raises(world, StoreFailed, match=forged):
        run(world)
    assert in_use(world) == world.amazon.ever[0].text
