"""The use cases *receive* and *expiry notice*."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import MalformedSecret, NotYetAccepted, StoreFailed, UnknownMessage
from spapi_rotation_lambda.domain.events import SecretReceived
from spapi_rotation_lambda.domain.labels import Label, derived_id
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import CallAnswer, Metric, Ports
from tests.fakes.amazon import LIFETIME, OVERLAP, Issued
from tests.fakes.interposer import Crash, interposed, traced
from tests.fakes.world import CLIENT_ID, FakeSchedules, World, sealed
from tests.unit.conftest import MakeWorld
from tests.unit.support import raises, shown


def give(ports: Ports, body: str) -> str:
    """Hand one message to the function, with ports of the test's own."""
    return str(dispatch(ports, {"Records": [{"eventSource": "aws:sqs", "body": body}]})["receipt"])


def new_message(world: World) -> str:
    """What Amazon sends after a rotation that somebody made by hand."""
    world.amazon.rotate_by_hand()
    return world.queue.visible.pop()


def message(world: World, issued_at: datetime, text: str = "canary-told", notification_id: str = "told") -> str:
    """A message about a secret that this world's Amazon never made."""
    told = Issued(text, issued_at, issued_at + LIFETIME, issued_at)
    return world.amazon.message(told, issued_at + OVERLAP, notification_id)


def held_back(world: World) -> None:
    """Amazon accepts no new secret for the time being, so nothing is promoted."""
    world.amazon.usable_after = timedelta(days=100)


def stored(world: World) -> int:
    return len(world.store.secrets[world.secret_id].versions)


# 1, 3. What is ours.


@pytest.mark.rule(id="REC-3")
def test_an_adopted_secret_is_found_by_the_map_and_keeps_its_own_key_names(make_world: MakeWorld) -> None:
    entry = {"secret_arn": "adopted", "keys": {"client_id": "id", "client_secret": "secret", "issued_at": "since"}}
    world = make_world(adopted_secrets=json.dumps({CLIENT_ID: entry}))
    world.store.create("adopted")
    first = world.amazon.newest
    value = {"id": CLIENT_ID, "secret": first.text, "since": format_time(first.issued_at), "region": "eu"}
    world.store.put("adopted", "first", json.dumps(value), {"AWSCURRENT"})
    world.clock.advance(days=1)
    assert give(world.ports, new_message(world)) == "stored"
    labels = world.store.labels("adopted")
    now = json.loads(world.store.secrets["adopted"].versions[labels["AWSCURRENT"]].text)
    assert now["secret"] == world.amazon.newest.text
    assert (now["region"], now["since"]) == ("eu", format_time(world.clock.now()))
    assert "client_secret" not in now
    assert stored(world) == 0


# 4. Duplicate, superseded, contradictory, unseeded.


def test_a_new_secret_is_stored_and_taken_into_use_with_amazons_dates(world: World) -> None:
    world.seed(refresh_token=None, region={"eu": [1, 2.5, True]})
    world.clock.advance(hours=1)
    before = Credentials(CLIENT_ID, Sensitive(world.amazon.newest.text))
    assert world.hand_over(new_message(world)) == "stored"
    found = world.value() or {}
    fingerprint = sealed(found)["client_secret_fingerprint"]
    assert found == {
        "client_id": CLIENT_ID,
        "client_secret": world.amazon.newest.text,
        "client_secret_issued_at": format_time(world.clock.now()),
        "client_secret_expires_at": format_time(world.clock.now() + LIFETIME),
        "previous_client_secret_expires_at": format_time(world.clock.now() + OVERLAP),
        "rotation_id": "notification-f-2",
        "client_secret_fingerprint": fingerprint,
        "replaced_client_secrets": [before.value_hash],
        "refresh_token": None,
        "region": {"eu": [1, 2.5, True]},
    }
    assert world.recorder.counted(Metric.RECEIVED) == 1


@pytest.mark.rule(id="REC-4")
@pytest.mark.parametrize("label", [Label.CURRENT, Label.PREVIOUS, Label.PENDING, Label.REJECTED])
def test_a_secret_that_is_held_under_any_label_is_a_duplicate(world: World, label: Label) -> None:
    held_back(world)
    body = new_message(world)
    world.hand_over(body)
    version = world.labels()[Label.PENDING]
    if label in (Label.CURRENT, Label.PREVIOUS):
        world.store.move(world.secret_id, Label.CURRENT, to=version, away_from=world.labels()[Label.CURRENT])
    if label is Label.PREVIOUS:
        world.write({"client_id": CLIENT_ID, "client_secret": "canary-owner"})
    if label is Label.REJECTED:
        world.store.move(world.secret_id, Label.REJECTED, to=version, away_from=None)
    if label is not Label.PENDING:
        world.store.move(world.secret_id, Label.PENDING, to=None, away_from=version)
    assert label in world.store.secrets[world.secret_id].versions[version].labels
    count = stored(world)
    again = body.replace("notification-", "another-")
    assert [world.hand_over(body), world.hand_over(again)] == ["duplicate", "duplicate"]
    assert stored(world) == count
    assert world.recorder.counted(Metric.DUPLICATE) == 2


@pytest.mark.rule(id="REC-4")
def test_a_duplicate_settles_what_the_first_copy_left(world: World) -> None:
    held_back(world)
    body = new_message(world)
    world.hand_over(body)
    assert (world.value() or {})["client_secret"] != world.amazon.newest.text
    world.amazon.newest.usable_from = world.clock.now()
    assert world.hand_over(body) == "duplicate"
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text
    assert len(world.recorder.events) == 1


@pytest.mark.rule(id="REC-5")
@pytest.mark.parametrize("label", [Label.CURRENT, Label.PREVIOUS, Label.PENDING, Label.REJECTED])
def test_a_secret_issued_before_the_newest_under_any_label_is_superseded(world: World, label: Label) -> None:
    late = message(world, world.clock.now() - timedelta(hours=1))
    told = {
        "client_id": CLIENT_ID,
        "client_secret": "canary-newer",
        "client_secret_issued_at": format_time(world.clock.now()),
    }
    told = sealed(told)
    if label in (Label.CURRENT, Label.PREVIOUS):
        world.write(told)
        if label is Label.PREVIOUS:
            world.seed(world.amazon.ever[0])
            world.store.move(world.secret_id, Label.REJECTED, to=world.labels()[Label.CURRENT], away_from=None)
    else:
        world.store.put(world.secret_id, "newer", json.dumps(told), {label})
    before, count = world.labels(), stored(world)
    assert world.hand_over(late) == "superseded"
    after = world.labels()
    assert (world.value(Label.SUPERSEDED) or {})["client_secret"] == "canary-told"
    assert {label: after[label] for label in before} == before
    assert stored(world) == count + 1
    assert world.recorder.counted(Metric.SUPERSEDED) == 1
    assert world.hand_over(late) == "duplicate"


@pytest.mark.rule(id="REC-5")
def test_of_the_superseded_the_newest_is_kept(world: World) -> None:
    world.clock.advance(days=1)
    world.hand_over(new_message(world))
    for hours in (3, 2, 4):
        told = message(world, world.clock.now() - timedelta(hours=hours), f"canary-{hours}", str(hours))
        assert world.hand_over(told) == "superseded"
    assert (world.value(Label.SUPERSEDED) or {})["client_secret"] == "canary-2"


@pytest.mark.rule(id="REC-8")
def test_a_pending_secret_that_a_newer_one_displaces_is_kept(world: World) -> None:
    held_back(world)
    in_use = Credentials(CLIENT_ID, Sensitive(world.amazon.newest.text))
    assert world.hand_over(new_message(world)) == "stored"
    (told,) = [event for event in world.recorder.told if isinstance(event, SecretReceived)]
    assert (told.issued_at, told.expires_at) == (world.amazon.newest.issued_at, world.amazon.newest.expires_at)
    first = world.amazon.newest.text
    assert in_use.value_hash in (world.value(Label.PENDING) or {})["replaced_client_secrets"]
    world.clock.advance(hours=1)
    assert world.hand_over(new_message(world)) == "stored"
    assert (world.value(Label.PENDING) or {})["client_secret"] == world.amazon.newest.text
    assert (world.value(Label.SUPERSEDED) or {})["client_secret"] == first
    displaced = Credentials(CLIENT_ID, Sensitive(first))
    assert displaced.value_hash in (world.value(Label.PENDING) or {})["replaced_client_secrets"]


@pytest.mark.rule(id="REC-4")
def test_the_message_of_a_secret_that_was_rejected_and_put_in_again_is_stored(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed(dated=False)
    world.store.move(world.secret_id, Label.REJECTED, to=world.labels()[Label.CURRENT], away_from=None)
    world.seed(dated=False, again="yes")
    mine = world.amazon.newest
    assert world.hand_over(world.amazon.message(mine, mine.issued_at + OVERLAP, "mine")) == "stored"


@pytest.mark.rule(id="REC-17")
def test_an_unreadable_value_in_use_does_not_stop_the_keeping_of_an_older_secret(world: World) -> None:
    held_back(world)
    world.clock.advance(days=1)
    world.hand_over(new_message(world))
    world.write("no json")
    assert world.hand_over(message(world, world.clock.now() - timedelta(hours=1))) == "superseded"
    assert (world.value(Label.SUPERSEDED) or {})["client_secret"] == "canary-told"


@pytest.mark.rule(id="REC-5")
def test_of_two_of_one_time_the_one_that_dies_sooner_is_superseded(world: World) -> None:
    world.hand_over(new_message(world))
    now = world.clock.now()
    sooner = Issued("canary-told", now, now + LIFETIME - timedelta(days=1), now)
    assert world.hand_over(world.amazon.message(sooner, now + OVERLAP, "sooner")) == "superseded"


@pytest.mark.rule(id="REC-5")
def test_of_two_that_die_at_one_time_the_one_that_was_issued_later_is_newer(world: World) -> None:
    world.hand_over(new_message(world))
    dies_at = world.amazon.newest.expires_at
    world.clock.advance(days=1)
    later = Issued("canary-later", world.clock.now(), dies_at, world.clock.now())
    assert world.hand_over(world.amazon.message(later, world.clock.now() + OVERLAP, "later")) == "stored"
    assert (world.value(Label.PENDING) or {})["client_secret"] == "canary-later"


@pytest.mark.rule(id="REC-6")
def test_of_two_that_contradict_the_first_stays_rejected(world: World) -> None:
    world.hand_over(new_message(world))
    assert world.hand_over(message(world, world.clock.now(), "canary-a", "a")) == "contradictory"
    assert world.hand_over(message(world, world.clock.now(), "canary-b", "b")) == "contradictory"
    assert (world.value(Label.REJECTED) or {})["client_secret"] == "canary-a"
    assert (world.value(Label.SUPERSEDED) or {})["client_secret"] == "canary-b"


@pytest.mark.rule(id="REC-5")
def test_a_superseded_secret_is_not_taken_for_the_first_of_the_one_in_use(make_world: MakeWorld) -> None:
    """The one in use is undated; that it is another secret is known all the same."""
    world = make_world()
    world.seed(dated=False)
    held_back(world)
    world.clock.advance(days=1)
    assert world.hand_over(new_message(world)) == "stored"
    seen = world.labels()[Label.FIRST_SEEN]
    assert world.hand_over(message(world, world.clock.now() - timedelta(hours=1))) == "superseded"
    assert world.labels()[Label.FIRST_SEEN] == seen == world.labels()[Label.CURRENT]
    assert world.labels()[Label.SUPERSEDED] == derived_id("aside", "told")


def test_the_very_first_message_again_leaves_what_is_pending_now(make_world: MakeWorld) -> None:
    world = make_world()
    first = new_message(world)
    assert world.hand_over(first) == "stored"
    held_back(world)
    world.clock.advance(days=10)
    assert world.hand_over(new_message(world)) == "stored"
    pending = world.labels()[Label.PENDING]
    assert world.hand_over(first) == "duplicate"
    assert world.labels()[Label.PENDING] == pending


@pytest.mark.rule(id="REC-6")
def test_same_times_but_another_value_is_rejected(world: World) -> None:
    world.hand_over(new_message(world))
    in_use = world.labels()[Label.CURRENT]
    body = message(world, world.clock.now())
    assert world.hand_over(body) == "contradictory"
    assert (world.value(Label.REJECTED) or {})["client_secret"] == "canary-told"
    assert Label.PENDING not in world.labels()
    assert world.labels()[Label.CURRENT] == in_use
    assert world.recorder.counted(Metric.CONTRADICTORY) == 1
    assert world.run(hours=3) == ["REJECTED"] * 3
    assert world.hand_over(body) == "duplicate", "it is acknowledged, and still rejected"
    assert world.labels()[Label.CURRENT] == in_use


def test_a_secret_issued_before_an_undated_one_was_put_in_is_pending(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed(dated=False)
    world.clock.advance(days=1)
    body = new_message(world)
    world.clock.advance(minutes=1)
    world.write({"client_id": CLIENT_ID, "client_secret": "canary-owner"})
    assert world.hand_over(body) == "stored"
    assert (world.value(Label.PENDING) or {})["client_secret"] == world.amazon.newest.text
    assert (world.value() or {})["client_secret"] == "canary-owner"


@pytest.mark.rule(id="REC-4")
def test_a_message_gives_an_owners_version_of_its_secret_amazons_dates(make_world: MakeWorld) -> None:
    world = make_world()
    body = new_message(world)
    typed = {"client_secret_expires_at": format_time(world.clock.now() + timedelta(days=181)), "region": "eu"}
    world.write({"client_id": CLIENT_ID, "client_secret": world.amazon.newest.text, **typed})
    assert world.hand_over(body) == "stored"
    found = world.value() or {}
    assert (found["client_secret"], found["region"]) == (world.amazon.newest.text, "eu")
    assert found["client_secret_issued_at"] == format_time(world.clock.now())
    assert world.hand_over(body) == "duplicate"


def test_a_secret_issued_after_an_undated_current_version_is_taken(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed(dated=False)
    world.clock.advance(days=1)
    assert world.hand_over(new_message(world)) == "stored"
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="REC-7")
@pytest.mark.parametrize("placeholder", [None, {}, {"region": "eu"}])
def test_the_first_secret_is_verified_before_it_is_stored(
    make_world: MakeWorld, placeholder: dict[str, Any] | None
) -> None:
    world = make_world(promote_delay=timedelta(minutes=45))
    if placeholder is not None:
        world.write(placeholder)
    before = world.labels()
    world.amazon.usable_after = timedelta(minutes=30)
    world.clock.advance(days=1)
    body = new_message(world)
    with raises(world, NotYetAccepted):
        world.hand_over(body)
    assert world.labels() == before
    world.clock.advance(minutes=30)
    assert world.hand_over(body) == "stored"
    now = world.value() or {}
    assert now["client_secret"] == world.amazon.newest.text
    assert now.get("region") == (placeholder or {}).get("region")
    assert Label.PENDING not in world.labels()
    assert len(world.recorder.events) == 1


@pytest.mark.parametrize("year", ["0001", "1969", "9999"])
def test_an_absurd_date_of_a_notice_is_refused_before_anything_is_computed_with_it(world: World, year: str) -> None:
    told = json.loads(world.amazon.expiry_notice(world.clock.now()))
    (part,) = told["payload"].values()
    part["clientSecretExpiryTime"] = f"{year}-01-01T00:00:00Z"
    with raises(world, UnknownMessage, match="clientSecretExpiryTime"):
        world.hand_over(json.dumps(told))
    assert world.check() == "CURRENT"


@pytest.mark.rule(id="REC-18")
@pytest.mark.parametrize("year", ["0001", "1969", "9999"])
@pytest.mark.parametrize("key", ["newClientSecretExpiryTime", "oldClientSecretExpiryTime"])
def test_an_absurd_date_beside_a_new_secret_does_not_keep_it_out(world: World, key: str, year: str) -> None:
    told = json.loads(new_message(world))
    (part,) = told["payload"].values()
    part[key] = f"{year}-01-01T00:00:00Z"
    assert world.hand_over(json.dumps(told)) == "stored"
    found = world.value() or {}
    assert found["client_secret"] == world.amazon.newest.text
    assert found["client_secret_expires_at"] == format_time(world.clock.now() + LIFETIME)
    assert found["previous_client_secret_expires_at"] == format_time(world.clock.now() + OVERLAP)
    assert world.check() == "CURRENT"


# 5. The store.


@pytest.mark.rule(id="REC-9")
def test_the_store_writes_under_a_neutral_label_and_then_moves_awspending(world: World) -> None:
    ports, calls = traced(world.ports)
    held_back(world)
    give(ports, new_message(world))
    changing = [call for call in calls if call.split()[0] in ("write", "move", "remove")]
    assert changing == ["write ROTATION_RECEIVED", "move AWSPENDING", "move ROTATION_FIRST_SEEN"]
    assert world.labels()[Label.RECEIVED] == world.labels()[Label.PENDING]


@pytest.mark.rule(id="REC-8")
def test_the_versions_id_is_that_of_the_notification_and_the_base_version(world: World) -> None:
    held_back(world)
    base = world.labels()[Label.CURRENT]
    world.hand_over(message(world, world.clock.now(), notification_id="the-id"))
    assert world.labels()[Label.PENDING] == derived_id("receive", "the-id", base)


def test_a_message_that_comes_again_over_another_base_is_stored_with_todays_keys(world: World) -> None:
    """Without the base version in the token, the write would be refused for good."""
    held_back(world)
    body = new_message(world)

    def die(name: str) -> None:
        if name == "move AWSPENDING":
            raise Crash

    with pytest.raises(Crash):
        give(interposed(world.ports, before=die), body)
    world.seed(world.amazon.ever[0], region="eu")
    assert world.hand_over(body) == "stored"
    assert (world.value(Label.PENDING) or {})["region"] == "eu"


@pytest.mark.rule(id="REC-8")
def test_a_version_that_is_there_already_is_gone_on_with(world: World) -> None:
    held_back(world)
    body = new_message(world)

    def die(name: str) -> None:
        if name == "move AWSPENDING":
            raise Crash

    with pytest.raises(Crash):
        give(interposed(world.ports, before=die), body)
    assert Label.PENDING not in world.labels()
    count = stored(world)
    assert world.hand_over(body) == "stored"
    assert stored(world) == count
    assert (world.value(Label.PENDING) or {})["client_secret"] == world.amazon.newest.text


def test_an_older_message_is_superseded_by_what_is_stored_without_its_label(world: World) -> None:
    """The newer message comes again; the older one must not get ahead of it meanwhile."""
    held_back(world)
    older, newer = new_message(world), ""
    world.clock.advance(minutes=1)
    newer = new_message(world)

    def die(name: str) -> None:
        if name == "move AWSPENDING":
            raise Crash

    with pytest.raises(Crash):
        give(interposed(world.ports, before=die), newer)
    assert [world.hand_over(older), world.hand_over(newer)] == ["superseded", "stored"]
    assert (world.value(Label.PENDING) or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="REC-8")
@pytest.mark.rule(id="P-2")
def test_a_received_secret_does_not_lose_its_last_label_to_the_next_one(world: World) -> None:
    old, sent = world.amazon.newest, world.amazon.rotate_by_hand()
    world.drain()
    world.amazon.call_answer = CallAnswer.UNAVAILABLE
    for stage in ("one", "two"):  # a tool writes the old value back: twice, and no other label is left
        world.write({"client_id": CLIENT_ID, "client_secret": old.text, "stage": stage})
    world.clock.advance(days=8)
    world.amazon.rotate_by_hand()
    world.drain()
    assert (world.value(Label.RECEIVED) or {})["client_secret"] == world.amazon.newest.text
    assert (world.value(Label.SUPERSEDED) or {})["client_secret"] == sent.text


@pytest.mark.rule(id="REC-8")
def test_one_notification_id_with_two_values_is_refused(world: World) -> None:
    held_back(world)
    base = world.labels()[Label.CURRENT]
    forged = {"client_id": CLIENT_ID, "client_secret": "canary-forged"}
    world.store.put(world.secret_id, derived_id("receive", "told", base), json.dumps(forged), {Label.RECEIVED})
    with raises(world, MalformedSecret, match="notification id"):
        world.hand_over(message(world, world.clock.now()))
    assert Label.PENDING not in world.labels()


def test_the_same_content_written_in_another_order_is_no_contradiction(world: World) -> None:
    held_back(world)
    base = world.labels()[Label.CURRENT]
    body = message(world, world.clock.now())
    world.hand_over(body)
    version = world.store.secrets[world.secret_id].versions[world.labels()[Label.PENDING]]
    version.text = json.dumps(dict(reversed(json.loads(version.text).items())))
    world.store.move(world.secret_id, Label.PENDING, to=None, away_from=derived_id("receive", "told", base))
    assert world.hand_over(body) == "stored"


@pytest.mark.rule(id="REC-9")
@pytest.mark.parametrize(
    ("at", "receipt"), [("write ROTATION_RECEIVED", "superseded"), ("move AWSPENDING", "duplicate")]
)
def test_an_older_secret_cannot_take_awspending_from_a_newer_one(world: World, at: str, receipt: str) -> None:
    """The newer message is handled, whole, while the older one is on its way."""
    held_back(world)
    older, newer = new_message(world), ""
    world.clock.advance(minutes=1)
    newer = new_message(world)
    receipts: list[str] = []

    def overtake(name: str) -> None:
        if name == at and not receipts:
            receipts.append(give(world.ports, newer))

    assert give(interposed(world.ports, before=overtake), older) == receipt
    assert (world.value(Label.SUPERSEDED) or {})["client_secret"] == world.amazon.ever[-2].text
    assert receipts == ["stored"]
    assert (world.value(Label.PENDING) or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="REC-5")
@pytest.mark.rule(id="SEC-6")
@pytest.mark.parametrize("dies_at", ["", "write ROTATION_SCRATCH", "move ROTATION_FIRST_SEEN"])
def test_a_superseded_message_dates_the_secret_in_use(world: World, dies_at: str) -> None:
    """It was put in by hand; the message of a newer one came before its own."""
    mine = new_message(world)
    world.seed(dated=False)
    world.clock.advance(minutes=5)
    newer = new_message(world)
    world.hand_over(newer)
    assert (world.check(), world.recorder.counted(Metric.ORDER_UNKNOWN)) == ("RECEIVED", 2)
    if dies_at:
        with pytest.raises(Crash):
            give(interposed(world.ports, after=dying(dies_at)), mine)
    assert world.hand_over(mine) in ("superseded", "duplicate")
    assert world.check() == "CURRENT"
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


def dying(at: str) -> Callable[[str], None]:
    """Die after a call."""

    def die(name: str) -> None:
        if name == at:
            raise Crash

    return die


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_in_whatever_order_messages_come_the_newest_is_in_use(world: World, order: tuple[int, ...]) -> None:
    bodies = []
    for _ in range(3):
        world.clock.advance(minutes=1)
        bodies.append(new_message(world))
    for index in order:
        world.hand_over(bodies[index])
        world.hand_over(bodies[index])
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text
    assert world.check() == "CURRENT"


@pytest.mark.rule(id="LAB-2")
def test_labels_that_never_stand_still_keep_the_message(world: World) -> None:
    held_back(world)
    body = new_message(world)
    serial = iter(range(1000))

    def disturb(name: str) -> None:
        if name == "write ROTATION_RECEIVED":
            holder = world.labels().get(Label.PENDING)
            value = {"client_id": CLIENT_ID, "client_secret": f"canary-{next(serial)}"}
            world.store.put(world.secret_id, f"other-{next(serial)}", json.dumps(value), {Label.PENDING})
            assert world.labels()[Label.PENDING] != holder

    with raises(world, StoreFailed, match="keep moving"):
        give(interposed(world.ports, before=disturb), body)


# 6. The acknowledgement.


@pytest.mark.rule(id="REC-10")
@pytest.mark.parametrize("at", ["versions", "read", "write ROTATION_RECEIVED", "move AWSPENDING"])
def test_a_message_is_not_acknowledged_before_its_secret_is_stored(world: World, at: str) -> None:
    held_back(world)
    body = new_message(world)

    def fail(name: str) -> None:
        if name == at:
            raise StoreFailed("AWS failed.", remedy="none")

    with raises(world, StoreFailed):
        give(interposed(world.ports, before=fail), body)
    assert give(world.ports, body) == "stored"


@pytest.mark.rule(id="REC-10")
@pytest.mark.parametrize("error", [StoreFailed("AWS failed.", remedy="none"), ValueError("canary-abcdef-2")])
def test_a_settle_that_fails_no_longer_concerns_the_message(world: World, error: Exception) -> None:
    body = new_message(world)

    def fail(name: str) -> None:
        if name == "move AWSCURRENT":
            raise error

    assert give(interposed(world.ports, before=fail), body) == "stored"
    (fields,) = [fields for event, fields in world.recorder.lines if event == "settle_left_to_next_check"]
    assert fields["error"] == type(error).__name__
    assert fields.get("detail") == (str(error) if isinstance(error, StoreFailed) else None)
    assert world.check() == "CURRENT"
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


def test_what_is_stored_when_the_settle_dies_is_found_by_the_next_check(world: World) -> None:
    body = new_message(world)

    def die(name: str) -> None:
        if name == "move AWSCURRENT":
            raise Crash

    with pytest.raises(Crash):
        give(interposed(world.ports, before=die), body)
    assert world.check() == "CURRENT"
    assert world.hand_over(body) == "duplicate"
    assert len(world.recorder.events) == 1


@pytest.mark.rule(id="REC-17")
def test_a_current_value_that_is_no_json_stops_the_promotion_and_not_the_storing(world: World) -> None:
    body = new_message(world)
    world.write("canary-owner is not json")
    assert world.hand_over(body) == "stored"
    assert (world.value(Label.PENDING) or {})["client_secret"] == world.amazon.newest.text
    with raises(world, MalformedSecret) as caught:
        world.check()
    assert "canary-owner" not in shown(caught.value)
    world.seed(world.amazon.ever[0])
    assert world.check() == "CURRENT"
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


# 2. Expiry notices.


@pytest.mark.rule(id="NOT-1")
@pytest.mark.parametrize("off", [timedelta(0), timedelta(hours=24), timedelta(hours=-24)])
def test_a_notice_for_the_current_secret_requests_a_rotation(world: World, off: timedelta) -> None:
    assert world.hand_over(world.amazon.expiry_notice(world.amazon.newest.expires_at + off)) == "notice-acted-on"
    assert world.amazon.posts == 1
    assert world.drain() == ["stored"]


@pytest.mark.rule(id="NOT-1")
def test_a_notice_requests_when_the_expiry_is_unknown(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed(dated=False)
    world.clock.advance(days=1)
    assert world.hand_over(world.amazon.expiry_notice(world.clock.now())) == "notice-acted-on"
    assert world.amazon.posts == 1


@pytest.mark.rule(id="NOT-2")
@pytest.mark.parametrize("of", ["seven days", "its own date"])
def test_a_notice_for_the_previous_secret_does_nothing(world: World, of: str) -> None:
    first = world.amazon.newest
    own_date = first.expires_at
    world.clock.advance(days=30)
    world.hand_over(new_message(world))
    world.clock.advance(days=20)
    date = first.expires_at if of == "seven days" else own_date
    assert world.hand_over(world.amazon.expiry_notice(date)) == "notice-ignored"
    assert world.amazon.posts == 0
    assert world.recorder.counted(Metric.UNSEEN_ROTATION) == 0


@pytest.mark.rule(id="NOT-3")
@pytest.mark.parametrize("hours", [25, -25])
def test_a_notice_for_neither_secret_is_an_alarm(world: World, hours: int) -> None:
    date = world.amazon.newest.expires_at + timedelta(hours=hours)
    assert world.hand_over(world.amazon.expiry_notice(date)) == "notice-unexplained"
    assert world.recorder.counted(Metric.UNSEEN_ROTATION) == 1
    assert world.amazon.posts == 0


@pytest.mark.rule(id="SEC-6")
def test_the_expiry_is_known_when_only_another_version_with_the_same_secret_tells_it(world: World) -> None:
    world.seed(dated=False)
    date = world.amazon.newest.expires_at - timedelta(days=3)
    assert world.hand_over(world.amazon.expiry_notice(date)) == "notice-unexplained"
    assert world.hand_over(world.amazon.expiry_notice(world.amazon.newest.expires_at)) == "notice-acted-on"


@pytest.mark.rule(id="NOT-1")
def test_a_notice_is_acknowledged_when_the_rotation_is_declined(world: World) -> None:
    world.queue.dead.append("poison")
    assert world.hand_over(world.amazon.expiry_notice(world.amazon.newest.expires_at)) == "notice-acted-on"
    assert world.amazon.posts == 0
    assert world.recorder.counted(Metric.DECLINED) == 1
    assert "UnreadMessages" in world.recorder.text()


@pytest.mark.rule(id="NOT-5")
@pytest.mark.parametrize("gone", [False, True])
def test_a_notice_for_a_retired_application_is_only_logged(world: World, gone: bool) -> None:
    schedules = FakeSchedules(world.application, world.clock.now(), enabled=gone, is_there=not gone)
    world.ports = replace(world.ports, schedules=schedules)
    for date in (world.amazon.newest.expires_at, world.amazon.newest.expires_at + timedelta(hours=25)):
        assert world.hand_over(world.amazon.expiry_notice(date)) == "notice-switched-off"
    assert (world.amazon.posts, world.recorder.counted(Metric.UNSEEN_ROTATION)) == (0, 0)
    assert "expiry_notice_while_switched_off" in [event for event, _ in world.recorder.lines]
    schedules.enabled = schedules.is_there = True
    assert world.hand_over(world.amazon.expiry_notice(world.amazon.newest.expires_at)) == "notice-acted-on"


@pytest.mark.rule(id="NOT-4")
def test_a_notice_is_acknowledged_when_the_request_fails(world: World) -> None:
    def fail(name: str) -> None:
        if name == "inspect":
            raise StoreFailed("AWS failed.", remedy="none")

    body = world.amazon.expiry_notice(world.amazon.newest.expires_at)
    assert give(interposed(world.ports, before=fail), body) == "notice-acted-on"
    assert "expiry_notice_not_acted_on" in [event for event, _ in world.recorder.lines]


@pytest.mark.rule(id="NOT-3")
@pytest.mark.rule(id="NOT-4")
@pytest.mark.parametrize("value", [{"client_id": CLIENT_ID, "secret": "canary-renamed"}, "no JSON"])
def test_a_notice_for_a_secret_that_cannot_be_read_is_acknowledged_and_said(world: World, value: object) -> None:
    world.write(value)
    assert world.hand_over(world.amazon.expiry_notice(world.amazon.newest.expires_at)) == "notice-unexplained"
    assert "expiry_notice_for_unreadable_secret" in [event for event, _ in world.recorder.lines]
    assert world.amazon.posts == 0


@pytest.mark.rule(id="NOT-3")
def test_a_notice_for_an_unseeded_secret_is_acknowledged_and_said(make_world: MakeWorld) -> None:
    world = make_world()
    assert world.hand_over(world.amazon.expiry_notice(world.clock.now())) == "notice-unexplained"
    assert world.recorder.counted(Metric.UNSEEDED) == 1


@pytest.mark.rule(id="NOT-4")
@pytest.mark.parametrize("answer", list(CallAnswer))
def test_a_notice_never_stores_anything(world: World, answer: CallAnswer) -> None:
    world.amazon.call_answer = answer
    world.amazon.lose_next = True
    world.hand_over(world.amazon.expiry_notice(world.amazon.newest.expires_at))
    assert {Label.PENDING, Label.RECEIVED, Label.REJECTED}.isdisjoint(world.labels())


@pytest.mark.rule(id="REC-11")
def test_a_first_version_that_was_not_published_is_published_by_the_next_delivery(make_world: MakeWorld) -> None:
    world = make_world()
    world.amazon.rotate_by_hand()
    [body] = world.queue.visible

    class Died(Exception):
        pass

    def die(name: str) -> None:
        if name == "move AWSPENDING":
            raise Died

    event = {"Records": [{"eventSource": "aws:sqs", "body": body}]}
    with pytest.raises(Died):
        dispatch(interposed(world.ports, before=die), event)
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text, "AWS makes the first version current"
    assert world.recorder.events == []
    assert world.hand_over(body) == "duplicate"
    assert [each.version_id for each in world.recorder.events] == [world.labels()["AWSCURRENT"]]
    assert "AWSPENDING" not in world.labels()


# A label on a version that no list shows.


@pytest.mark.rule(id="REC-19")
def test_a_message_takes_awspending_off_a_version_without_a_value(world: World) -> None:
    world.store.rotate_natively(world.secret_id)
    assert world.hand_over(new_message(world)) == "stored"
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text
    assert [event for event, _ in world.recorder.lines].count("label_of_empty_version_removed") == 1


@pytest.mark.rule(id="REC-19")
def test_while_native_rotation_is_on_a_young_message_waits_an_hour(world: World) -> None:
    secret = world.store.secrets[world.secret_id]
    secret.rotates_natively = True
    world.store.rotate_natively(world.secret_id)
    empty = world.labels()[Label.PENDING]
    body = new_message(world)
    with raises(world, StoreFailed, match="native rotation is on"):
        world.hand_over(body)
    assert world.labels()[Label.PENDING] == empty
    world.clock.advance(minutes=61)
    assert world.hand_over(body) == "stored"
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="REC-19")
def test_a_secret_that_was_overwritten_comes_back_past_an_empty_version(world: World) -> None:
    before = world.value()
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(hours=2)
    world.write(before)
    world.store.rotate_natively(world.secret_id)
    assert world.check() == "CURRENT"
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="REC-19")
def test_where_a_listed_version_carried_the_label_nothing_is_described(world: World) -> None:
    held_back(world)
    for _ in range(2):
        body = new_message(world)
        world.clock.advance(minutes=1)
        assert world.hand_over(body) == "stored"
    body, newest = new_message(world), world.labels()[Label.PENDING]
    calls: list[str] = []

    def elsewhere(name: str) -> None:
        if name == "move AWSPENDING" and name not in calls:
            world.store.move(world.secret_id, Label.PENDING, to=None, away_from=newest)
        calls.append(name)

    assert give(interposed(world.ports, before=elsewhere), body) == "stored"
    assert calls.count("move AWSPENDING") == 2
    assert "described" not in calls


@pytest.mark.rule(id="REC-19")
def test_a_label_that_only_moved_is_left_to_the_next_round(world: World) -> None:
    """Another delivery was quicker: its version is listed, so nothing is taken off it."""
    held_back(world)
    first = new_message(world)
    world.clock.advance(minutes=1)
    second = new_message(world)
    inner: list[str] = []

    def overtake(name: str) -> None:
        if name == "move AWSPENDING" and not inner:
            inner.append(world.hand_over(second))

    assert give(interposed(world.ports, before=overtake), first) == "duplicate"
    assert inner == ["stored"]
    assert [event for event, _ in world.recorder.lines].count("label_of_empty_version_removed") == 0
