"""The check of the check: deliberate defects in a copy of the real code, each of which the exploration must catch.

A defect replaces a snippet of a module's source, which must be there exactly once; the changed copy of the whole
package is then searched in a process of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "rotation_lambda"
PACKAGE = "spapi_rotation_lambda"


class SnippetGone(Exception):
    """The code has changed: a defect no longer applies and must be written anew."""


@dataclass(frozen=True)
class Defect:
    """A defect.

    Attributes:
        name: what is broken.
        module: the module of ``spapi_rotation_lambda``, without its ending.
        changes: snippets of its source, each there exactly once, and what replaces them.
        looked_for_in: the scenarios and meetings in which it is looked for.
    """

    name: str
    module: str
    changes: tuple[tuple[str, str], ...]
    looked_for_in: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether a defect was caught, and by what."""

    defect: Defect
    caught_by: str

    @property
    def caught(self) -> bool:
        return bool(self.caught_by)


DEFECTS = (
    Defect(
        "an owner's date is taken for Amazon's",
        "domain/credentials",
        (("return self.fingerprint is not None and self.fingerprint == self._fingerprint()", "return True"),),
        ("an expiry typed +365 days off, then a request", "an expiry typed +0.9 days off, then a request"),
    ),
    Defect(
        "what is replaced is not remembered",
        "domain/credentials",
        (("        return replace(self, replaces=tuple(kept)[-REMEMBERED:])\n", "        return self\n"),),
        ("an older message, then a tool applies the secret before, twice",),
    ),
    Defect(
        "a pending secret of unknown order is promoted at once",
        "domain/rules",
        (
            (
                "        return Order.UNKNOWN\n    return Order.NEWER if closes",
                "        return Order.NEWER\n    return Order.NEWER if closes",
            ),
            (
                "if closes(issued, requested_at) else Order.UNKNOWN\n",
                "if closes(issued, requested_at) else Order.NEWER\n",
            ),
        ),
        ("a message, then a secret made by hand is put in",),
    ),
    Defect(
        "the new secret is not verified",
        "use_cases/settle",
        (("elif not verification.accepted(", "elif False and not verification.accepted("),),
        ("accepted late",),
    ),
    Defect(
        "AWSCURRENT is moved without compare-and-swap",
        "use_cases/promotion",
        (
            (
                "store.move(application.secret_id, Label.CURRENT, to=target, away_from=current.version.id)",
                "store.move(application.secret_id, Label.CURRENT, to=target, "
                "away_from=store.versions(application.secret_id).id_of(Label.CURRENT))",
            ),
        ),
        ("the owner's edit and settle",),
    ),
    Defect(
        "AWSPENDING is moved without compare-and-swap",
        "use_cases/receive",
        (
            (
                "to=version_id, away_from=snapshot.id_of(label))",
                "to=version_id, away_from=ports.store.versions(snapshot.application.secret_id).id_of(label))",
            ),
        ),
        ("two new secrets, accepted late",),
    ),
    Defect(
        "a message is acknowledged although it was not stored",
        "use_cases/message",
        (
            (
                "        return receive_and_settle(ports, application, message).value\n",
                "        try:\n            return receive_and_settle(ports, application, message).value\n"
                '        except Exception:\n            return "lost"\n',
            ),
        ),
        ("schedule: normal",),
    ),
    Defect(
        "the request record is written after the POST",
        "use_cases/request",
        (
            (
                "    record = _next_record(attempt)\n",
                "    answer = ports.amazon().rotate(token)\n    record = _next_record(attempt)\n",
            ),
            ("    answer = ports.amazon().rotate(token)\n    if answer.answer", "    if answer.answer"),
        ),
        ("schedule: normal",),
    ),
    Defect(
        "a stale message is taken for a new one",
        "use_cases/receive",
        (("if newest is None or arrived > newest:", "if True:"),),
        ("everything as documented in two messages, the newer one first",),
    ),
    Defect(
        "AWSPENDING is left behind after the promotion",
        "use_cases/promotion",
        (("if snapshot.id_of(Label.PENDING) == candidate.version.id:", "if False:"),),
        ("schedule: normal",),
    ),
    Defect(
        "AWSPENDING is taken off before the event is published",
        "use_cases/promotion",
        (
            (
                "    announce(ports, snapshot, _of(candidate), in_use)\n"
                "    if snapshot.id_of(Label.PENDING) == candidate.version.id:\n",
                "    if snapshot.id_of(Label.PENDING) == candidate.version.id:\n",
            ),
            (
                "        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, "
                "away_from=candidate.version.id)\n",
                "        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, "
                "away_from=candidate.version.id)\n"
                "    announce(ports, snapshot, _of(candidate), in_use)\n",
            ),
        ),
        ("schedule: normal",),
    ),
    Defect(
        "the store sets AWSPENDING itself",
        "use_cases/receive",
        (
            (
                "_write(ports, application, version_id, document, Label.RECEIVED)",
                "_write(ports, application, version_id, document, Label.PENDING)",
            ),
        ),
        ("two new secrets, accepted late",),
    ),
    Defect(
        "the promotion merges the owner's keys of an earlier reading",
        "use_cases/promotion",
        (
            ("merged = current.document", "merged = _FIRST.setdefault(candidate.version.id, current).document"),
            ("def put_into_use(", "_FIRST: dict = {}\n\n\ndef put_into_use("),
        ),
        ("the owner edits while pending",),
    ),
    Defect(
        "the swap starts from an id that was read before the verification",
        "use_cases/settle",
        (
            (
                "put_into_use(ports, latest, pending, latest.current, ",
                "put_into_use(ports, latest, pending, StoredVersion(latest.current.version, current.document), ",
            ),
        ),
        ("the owner's edit and settle",),
    ),
    Defect(
        "the rule reads only the current secret's dates",
        "domain/rules",
        (
            (
                "    for stored in snapshot.holders():\n        told = snapshot.told(stored)\n",
                "    for stored in [snapshot.current]:\n        told = snapshot.told(stored)\n",
            ),
            ("    until += _overlaps_of_newer_secrets(snapshot)\n", ""),
        ),
        ("up while a console secret is pending",),
    ),
    Defect(
        "the dead-letter queue is not looked at",
        "use_cases/preflight",
        (("waiting - own > 0 or state.dead > 0", "waiting - own > 0"),),
        ("the message is in the dead-letter queue when the repost is due",),
    ),
    Defect(
        "a Deny with a condition is not looked at",
        "domain/sender_policy",
        (
            (
                "elif its and (denies := all_of((concerns, holds)))",
                "elif its and (denies := concerns and not statement.get('Condition'))",
            ),
        ),
        ("the queue's policy denies outsiders for a day",),
    ),
    Defect(
        "an organisation is taken for Amazon's own",
        "domain/sender_conditions",
        (("    if value.foreign:\n        return False\n", "    if value.foreign:\n        return True\n"),),
        ("the queue's policy denies outsiders for a day",),
    ),
    Defect(
        "a stranger's message is acknowledged and kept nowhere",
        "use_cases/message",
        (("        ports.unclaimed.put(body, sent_at)\n", "        pass\n"),),
        ("a due application is added after its message",),
    ),
    Defect(
        "a stranger's message is tried again and again",
        "use_cases/message",
        (("        ports.unclaimed.put(body, sent_at)\n", "        raise\n"),),
        ("many messages of strangers",),
    ),
    Defect(
        "a request does not look at what is unclaimed",
        "use_cases/request_conditions",
        (("    claim(attempt.ports, attempt.application)\n", "    return\n"),),
        ("a due application is added after its message",),
    ),
    Defect(
        "what is unclaimed is deleted before it is stored",
        "use_cases/unclaimed",
        (
            ("        ports.unclaimed.delete(found)\n", ""),
            (
                "        if isinstance(message, N",
                "        ports.unclaimed.delete(found)\n        if isinstance(message, N",
            ),
        ),
        ("an unseeded application is added after its message",),
    ),
    Defect(
        "a seeded application never takes back what is unclaimed",
        "use_cases/check",
        (
            (
                "current.credentials is None or in_daily_slot or by_hand",
                "current.credentials is None",
            ),
        ),
        ("a young application is added after its message",),
    ),
    Defect(
        "the labels are not read again after the queue",
        "use_cases/request",
        (("if snapshot.same_labels(this.latest or snapshot.again()) else", "if True else"),),
        ("up and the message of the console",),
    ),
    Defect(
        "request records are not chained",
        "use_cases/request",
        (
            (
                'derived_id("request", snapshot.id_of(Label.REQUEST) or snapshot.versions.arn)',
                'derived_id("request", record.nonce)',
            ),
        ),
        ("check and up, both due",),
    ),
    Defect(
        "a promotion by hand counts as proof of the order",
        "use_cases/operator_actions",
        (("current, replaces=newer)", "current, replaces=True)"),),
        ("made by hand, the one before it promoted, then put in again",),
    ),
    Defect(
        "the machine promotes what a person rejected",
        "use_cases/settle",
        (("if snapshot.id_of(Label.REJECTED) == pending.version.id:", "if False:"),),
        ("reject while pending",),
    ),
    Defect(
        "an unseeded secret is stored without verification",
        "use_cases/receive",
        (("            if not verification.accepted(ports, message.credentials, None):", "            if False:"),),
        ("an unseeded secret receives its first late",),
    ),
    Defect(
        "the first version is not published when its store failed late",
        "use_cases/receive",
        (("        else:\n            _resume_first(ports, snapshot, message)\n", ""),),
        ("an unseeded secret receives its first",),
    ),
    Defect(
        "a repeated rollback swaps back",
        "use_cases/operator_actions",
        (("and is_rejected(snapshot, previous):", "and False:"),),
        ("rollback, published",),
    ),
    Defect(
        "rollback takes REJECTED off a newer secret",
        "use_cases/operator_actions",
        (("    _refuse_beside_another_rejected(snapshot, current)\n", ""),),
        ("reject, then rollback",),
    ),
    Defect(
        "a refused request hides the one before it",
        "use_cases/request",
        (("standing_since=rules.last_request(snapshot),", "standing_since=None,"),),
        ("the message comes after the repost",),
    ),
    Defect(
        "the secret in use is never tried",
        "use_cases/check",
        (("        state = _try_current(ports, snapshot, state)\n", "        pass\n"),),
        ("a silent rotation in the console, then nobody acts",),
    ),
    Defect(
        "a gateway's timeout counts as a refusal",
        "adapters/amazon_answers",
        (("_MAY_HAVE_HAD_AN_EFFECT = frozenset({303, 408, 409, 425, 499})", "_MAY_HAVE_HAD_AN_EFFECT = {303}"),),
        ("the message comes after the repost",),
    ),
    Defect(
        "every code of LWA's speaks about the secret",
        "adapters/amazon_answers",
        (('about_the_secret = error == "invalid_client" and', "about_the_secret ="),),
        ("LWA answers 400 invalid_scope to the verification call's token",),
    ),
    Defect(
        "a 404 of the verification call keeps a secret pending",
        "use_cases/verification",
        (
            (
                "    young = ",
                "    if answer is CallAnswer.OTHER:\n        return False\n    young = ",
            ),
        ),
        ("the verification call answers other to all for good",),
    ),
    Defect(
        "LWA decides at once while the verification call is unavailable",
        "use_cases/verification",
        (
            ("(answer is CallAnswer.EXPIRED or answer in _PASSING)", "answer is CallAnswer.EXPIRED"),
            (" or (young and control in _PASSING)", ""),
        ),
        ("accepted after six hours, the call answers unavailable for five",),
    ),
    Defect(
        "LWA decides at once where both secrets are called expired",
        "use_cases/verification",
        (("(answer is CallAnswer.EXPIRED or answer in _PASSING)", "answer in _PASSING"),),
        ("accepted after six hours, the call answers expired for five",),
    ),
    Defect(
        "an accepted control does not keep a secret pending",
        "use_cases/verification",
        (("if control is CallAnswer.ACCEPTED or (young", "if (young"),),
        ("accepted after six hours, the call denied to the newest for five",),
    ),
    Defect(
        "a denied daily try counts as a dead secret",
        "use_cases/check",
        (("    if answer is CallAnswer.EXPIRED:", "    if answer in (CallAnswer.EXPIRED, CallAnswer.DENIED):"),),
        ("no verification call for a day",),
    ),
    Defect(
        "a superseded secret is dropped",
        "use_cases/receive",
        (("elif receipt in (Receipt.SUPERSEDED, Receipt.CONTRADICTORY):", "elif receipt is Receipt.CONTRADICTORY:"),),
        ("schedule: older after",),
    ),
    Defect(
        "a contradictory secret is dropped",
        "use_cases/receive",
        (("elif receipt in (Receipt.SUPERSEDED, Receipt.CONTRADICTORY):", "elif receipt is Receipt.SUPERSEDED:"),),
        ("two secrets of the same instant",),
    ),
    Defect(
        "a superseded secret counts as the one that was stored last",
        "use_cases/receive",
        (
            (
                "_write(ports, application, version_id, alone, Label.SCRATCH)",
                "_write(ports, application, version_id, alone, Label.RECEIVED)",
            ),
        ),
        ("an older message, then a tool applies the secret before, twice",),
    ),
    Defect(
        "a pending secret is dropped when another one becomes pending",
        "use_cases/receive",
        (("        keep_as_superseded(ports, snapshot, before)\n", "        pass\n"),),
        ("no time at all in two messages, the newer one first",),
    ),
    Defect(
        "what was replaced once is taken for new when its message has no time",
        "use_cases/receive",
        (("    if message.credentials.value_hash in replaced:\n", "    if False:\n"),),
        ("no time at all in the messages, an older one after",),
    ),
    Defect(
        "a secret that only its owner has put in counts as received",
        "use_cases/receive",
        (("elif known is not None and stored.version.labels", "elif stored.version.labels"),),
        ("made by hand before a rotation, put in, message late",),
    ),
    Defect(
        "what an owner says of the end of the secret before counts for as long as it says",
        "domain/snapshot",
        (
            (
                "None if previous is None else min(previous, made_at + OVERLAP)",
                "previous",
            ),
        ),
        ("dates typed with an end of the old one in a year, then two months",),
    ),
    Defect(
        "a date that cannot be is believed of its owner",
        "domain/snapshot",
        (
            (
                "expires_at=None if expires is not None and expires > made_at + EXPIRES_AHEAD else expires",
                "expires_at=expires",
            ),
        ),
        ("dates typed a year late, then two months",),
    ),
    Defect(
        "Amazon's dates are forgotten when the owner rewrites the secret",
        "domain/snapshot",
        (("known = self.first_copy(stored).credentials", "known = stored.credentials"),),
        ("the owner drops the dates",),
    ),
    Defect(
        "nobody remembers since when the value in use is known",
        "use_cases/settle",
        (("    _note_first_seen(ports, snapshot, current)\n    if snapshot.id_of", "    if snapshot.id_of"),),
        ("an undated secret is edited every night",),
    ),
    Defect(
        "an edit before the first check makes a value look as new as the edit",
        "domain/snapshot",
        (
            ("for one in (current, *self._copies(own)))", "for one in (current, self._first_seen_of(own) or current))"),
            ("            min((stored, *copies), key=lambda one: one.version.created_at),\n", "            stored,\n"),
        ),
        ("an undated secret, edited at the instant of its first request",),
    ),
    Defect(
        "what a person has rejected comes back with its message",
        "use_cases/receive",
        (("    if _is_rejected_undated(snapshot, message):\n        return Receipt.DUPLICATE\n", ""),),
        ("made by hand and rolled back, then its message",),
    ),
    Defect(
        "a seed over a malformed value drops its owner's keys",
        "use_cases/operator_actions",
        (
            (
                "    if replaced is None:\n        return Document({}",
                "    if replaced is not None:\n        return Document({}",
            ),
        ),
        ("client_secret renamed, then seed",),
    ),
    Defect(
        "the schedule rotates a secret that somebody has just put in",
        "domain/rules",
        (("    until += _since_first_seen(asked)\n", ""),),
        ("dates left over from an earlier secret",),
    ),
    Defect(
        "an undated secret is due as if its owner had not replaced it",
        "domain/rules",
        (
            ("    return adopted if current is None else max", "    return adopted if True else max"),
            ("    until += _since_first_seen(asked)\n", ""),
        ),
        ("made by hand 40 days after an undated one",),
    ),
    Defect(
        "a request is overdue although its owner has put another secret in",
        "domain/rules",
        (("    return snapshot.first_seen(current) > _on_record_at(snapshot, requested_at)\n", "    return False\n"),),
        ("no alarm about a request whose secret was made by hand",),
    ),
    Defect(
        "what Amazon lets die of unknown order stays in use",
        "use_cases/settle",
        (("    if verification.outlives(ports, pending", "    if False and verification.outlives(ports, pending"),),
        ("made by hand, then another by hand, whose message comes: Amazon decides",),
    ),
    Defect(
        "a secret of unknown order is pending for ever",
        "use_cases/settle",
        (("    if now >= max(pending.version.created_at, seen) + UNDECIDED:\n", "    if False:\n"),),
        ("made by hand, then another by hand, and Amazon never says which is dead",),
    ),
    Defect(
        "what a tool has overwritten stays away",
        "use_cases/overwritten",
        (("    if received is None:\n        return False\n", "    return False\n"),),
        ("an older message, then a tool applies the secret before, twice",),
    ),
    Defect(
        "a secret comes back over whatever its owner has put in",
        "use_cases/overwritten",
        (
            (
                "    if rules.order(snapshot, received, current) is not rules.Order.NEWER and not _amazon_says_so(\n",
                "    if False and not _amazon_says_so(\n",
            ),
        ),
        ("no alarm about a secret made by hand after a rotation",),
    ),
    Defect(
        "a time far ahead is believed",
        "domain/messages",
        (("if one is not None and one <= now + CLOCK_TOLERANCE), now)", "if one is not None), now)"),),
        ("years ahead in the message of an undated secret",),
    ),
    Defect(
        "Amazon's clock is taken for ours",
        "domain/rules",
        (("CLOCK_TOLERANCE = timedelta(minutes=65)", "CLOCK_TOLERANCE = timedelta(minutes=5)"),),
        ("Amazon's clock 65 minutes behind",),
    ),
    Defect(
        "a message without eventTime is not known",
        "domain/messages",
        (
            (
                "    # Without any time, two messages about two secrets must not have one id.\n",
                "    if event_time is None:\n        raise _unknown('it has no time')\n",
            ),
        ),
        ("no eventTime in the message of a dated secret",),
    ),
    Defect(
        "a notice of the pending secret is not expected",
        "use_cases/expiry_notice",
        (
            (
                "    for stored in (current, snapshot.readable(Label.PREVIOUS), snapshot.pending):\n",
                "    for stored in (current, snapshot.readable(Label.PREVIOUS)):\n",
            ),
            ("        yield requested_at + LIFETIME\n", "        yield requested_at + OVERLAP\n"),
        ),
        ("a notice of the pending secret",),
    ),
    Defect(
        "a notice of what a standing request brings about is not expected",
        "use_cases/expiry_notice",
        (
            (
                "    if (requested_at := last_request(snapshot)) is not None:\n",
                "    if (requested_at := None) is not None:\n",
            ),
        ),
        ("a notice of the new secret while requested",),
    ),
    Defect(
        "an unreadable value in use stops the storing",
        "use_cases/receive",
        (
            (
                "    application, current = snapshot.application, snapshot.readable(Label.CURRENT)\n    base",
                "    application, current = snapshot.application, snapshot.current\n    base",
            ),
        ),
        ("client_secret renamed before a message",),
    ),
    Defect(
        "a pending version that no message brought is believed",
        "use_cases/settle",
        (
            (
                "    if pending is None or pending.credentials is None or not pending.credentials.are_amazons:\n",
                "    if pending is None:\n",
            ),
        ),
        ("AWSPENDING on a strange version, then a due rotation",),
    ),
    Defect(
        "a record that has lost its label is not looked for",
        "use_cases/request",
        (
            (
                "        _label_again(ports, snapshot, record_id)\n        return None\n",
                '        record_id = derived_id("request", record.nonce)\n'
                "        ports.store.write(application.secret_id, record_id, record.text(), Label.REQUEST)\n",
            ),
        ),
        ("the record's label is taken off while requested",),
    ),
    Defect(
        "a record gets its label back, and the request goes on",
        "use_cases/request",
        (("        _label_again(ports, snapshot, record_id)\n        return None\n", "        pass\n"),),
        ("the record's label is taken off while requested",),
    ),
    Defect(
        "the next request forgets the trigger text",
        "use_cases/request",
        (("reference=attempt.reference or earlier_text,", "reference=attempt.reference,"),),
        ("a trigger text is used again after a later rotation",),
    ),
    Defect(
        "AWSPENDING on an empty version keeps every message out",
        "use_cases/label_moves",
        (
            (
                "        ports.store.move(secret_id, label, to=None, away_from=holder)\n        raise\n",
                "        raise\n",
            ),
        ),
        ("AWSPENDING on an empty version before the message, native rotation off",),
    ),
    Defect(
        "AWSPENDING is taken from a native rotation at work",
        "use_cases/label_moves",
        (("        if secret.rotates_natively and not waits_long:\n", "        if False:\n"),),
        ("AWSPENDING on an empty version before the message, native rotation on",),
    ),
    Defect(
        "many young versions hold back no request",
        "use_cases/version_quota",
        ((">= MANY:", ">= 1000:"),),
        ("many versions while it is due",),
    ),
    Defect(
        "many young versions hold back a request however soon the secret dies",
        "use_cases/version_quota",
        (("    if dies_soon(asked):\n        return None\n", ""),),
        ("many versions near expiry",),
    ),
    Defect(
        "a typed expiry lets a request pass an unread message",
        "domain/rules",
        (("dies_at = asked.snapshot.dies_at(current) if", "dies_at = asked.snapshot.expires(current) if"),),
        ("dates typed a year early, and up while a message is unread",),
    ),
    Defect(
        "a typed expiry brings the repost early",
        "domain/rules",
        (("dies_at = snapshot.dies_at(snapshot.current) if", "dies_at = snapshot.expires(snapshot.current) if"),),
        ("dates typed a year early, and no message for a day",),
    ),
    Defect(
        "a request is repeated through a queue that has never answered",
        "domain/rules",
        (("record.reposts > 0 or not record.queue_has_answered:", "record.reposts > 0:"),),
        ("the first message never comes: not requested again",),
    ),
    Defect(
        "a request is repeated through another queue",
        "domain/rules",
        ((" or record is None or record.queue_arn != queue_arn():", " or record is None:"),),
        ("the queue is another one before the repost",),
    ),
    Defect(
        "a refused request makes its queue the one that has answered",
        "domain/rules",
        (
            (
                "    if not snapshot.request_refused and is_closed(snapshot, record.requested_at):\n",
                "    requested_at = last_request(snapshot)\n"
                "    if requested_at is not None and is_closed(snapshot, requested_at):\n",
            ),
        ),
        ("no message through another queue, after a refusal perhaps: not requested again",),
    ),
    Defect(
        "a request is repeated after a day",
        "domain/rules",
        (("    late = unanswered + policy.repost_after\n", "    late = unanswered + EARLIEST_REPOST\n"),),
        ("a message late by a day: not requested again before",),
    ),
    Defect(
        "nobody warns of a second reader of the queue",
        "use_cases/doctor",
        (("    if len(readers) > 1:\n", "    if False:\n"),),
        ("a second reader of the queue",),
    ),
    Defect(
        "nobody warns of native rotation",
        "use_cases/daily_looks",
        (("    if not ports.store.described(application.secret_id).rotates_natively:\n", "    if True:\n"),),
        ("native rotation is switched on",),
    ),
    Defect(
        "nobody warns of a request that the secret does not tell of",
        "use_cases/daily_looks",
        (("    if recorded is not None and recorded >= known - SAME_REQUEST:\n", "    if True:\n"),),
        ("the record's label is taken off, and a look tells",),
    ),
    Defect(
        "nobody warns of many young versions",
        "use_cases/daily_looks",
        (("    if young < MANY:\n", "    if True:\n"),),
        ("many versions, and a look tells",),
    ),
    Defect(
        "an expiry that is its owner's hides an earlier notice",
        "use_cases/expiry_notice",
        (("    if expires is not None and snapshot.amazons(current) is not None:\n", "    if expires is not None:\n"),),
        ("dates typed late, then its notice",),
    ),
    Defect(
        "a notice of a secret that was just put in asks at once",
        "use_cases/expiry_notice",
        (("    return announced - now < EXPIRY_IS_NEAR or now >=", "    return True or now >="),),
        ("a notice of a secret that was put in the day before",),
    ),
    Defect(
        "a promotion by hand drops the newest received secret",
        "use_cases/operator_actions",
        (("_keep_previous(ports, snapshot, current, candidate.credentials)", "snapshot"),),
        ("a rejected one is promoted over one that was made by hand",),
    ),
    Defect(
        "seed drops what was rejected",
        "use_cases/operator_actions",
        (
            (
                "            move_rejected(ports, snapshot, None)\n",
                "            ports.store.move(\n                application.secret_id, Label.REJECTED, to=None,"
                " away_from=snapshot.id_of(Label.REJECTED)\n            )\n",
            ),
        ),
        ("the one in use is seeded after a reject",),
    ),
    Defect(
        "what is rejected is dropped when another one is",
        "use_cases/promotion",
        (("        keep_as_superseded(ports, snapshot, before)\n", "        pass\n"),),
        ("one is rejected after another",),
    ),
    Defect(
        "seed goes over a pending secret",
        "use_cases/operator_actions",
        (
            (
                "    if pending is not None and pending.credentials is not None and not pending.holds",
                "    if False and not pending.holds",
            ),
        ),
        ("the one in use is seeded while another is pending",),
    ),
    Defect(
        "a received secret loses its last label to the next one",
        "use_cases/receive",
        (("        keep_as_superseded(ports, snapshot, last)  #", "        pass  #"),),
        ("a tool leaves a received secret one label, then the next one comes",),
    ),
    Defect(
        "a superseded message does not date the secret in use",
        "use_cases/receive",
        (("        _move(ports, snapshot, Label.FIRST_SEEN, version_id)  #", "        pass  #"),),
        ("made by hand and put in, the message of a newer one before its own",),
    ),
    Defect(
        "a secret of unknown order is called stuck",
        "domain/rules",
        (("    return near and order(snapshot, pending, current) is not Order.UNKNOWN\n", "    return near\n"),),
        ("made by hand, then another by hand, whose message comes: Amazon decides",),
    ),
    Defect(
        "a refusal of the value in use counts as soon as it was put in",
        "use_cases/overwritten",
        (("    if ports.clock.now() < snapshot.first_seen(current) + SETTLED_IN:\n        return False\n", ""),),
        ("made by hand after a rotation, accepted late",),
    ),
    Defect(
        "a single refusal decides between two secrets",
        "use_cases/verification",
        (("    for _ in range(ASKED_AGAIN):\n", "    for _ in range(0):\n"),),
        ("made by hand, and the message of the one before it comes late",),
    ),
    Defect(
        "LWA's patience counts from the issue, however late the message came",
        "use_cases/verification",
        (
            (
                "    since = max((at for at in (candidate.issued, stored_at) if at is not None), default=None)\n",
                "    since = candidate.issued\n",
            ),
        ),
        ("no verification call, and the message comes late",),
    ),
)


def require_that_all_apply() -> None:
    """Before a long run: raises SnippetGone when the code has changed under a defect."""
    for defect in DEFECTS:
        with tempfile.TemporaryDirectory() as folder:
            copy_with(defect, Path(folder))


def copy_with(defect: Defect, folder: Path) -> None:
    """Copy the function's package into a folder with the defect in it. Raises SnippetGone."""
    try:
        copy_changed(SOURCE / PACKAGE, f"{defect.module}.py", defect.changes, folder)
    except SnippetGone as gone:
        raise SnippetGone(f"{defect.name}: {gone}") from None


def copy_changed(package: Path, module: str, changes: Iterable[tuple[str, str]], folder: Path) -> None:
    """Copy a package into a folder with snippets of a module replaced.

    Raises:
        SnippetGone: a snippet is not there exactly once.
    """
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / package.name / module
    text = path.read_text()
    for old, new in changes:
        if text.count(old) != 1:
            raise SnippetGone(f"this snippet is {text.count(old)} times in {module}: {old!r}")
        text = text.replace(old, new)
    path.write_text(text)


def look_for(defect: Defect, *, budget: int = 2) -> Verdict:
    """Look for a violation in a copy with the defect, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        copy_with(defect, Path(folder))
        done = subprocess.run(
            [sys.executable, "-m", "tests.exploration.find_violation", str(budget), *defect.looked_for_in],
            env={**os.environ, "PYTHONPATH": os.pathsep.join((folder, str(ROOT))), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode not in (0, 1) or (done.returncode == 1 and not done.stdout):
        raise RuntimeError(f"{defect.name}: the search failed: {done.stderr[-2000:]}")
    return Verdict(defect, done.stdout.strip())


def look_for_all(defects: Iterable[Defect] = DEFECTS, *, workers: int = 2, budget: int = 2) -> Iterator[Verdict]:
    """Look for several at once; verdicts in the order of the defects."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda defect: look_for(defect, budget=budget), defects)
