"""``make acceptance``: deploy into a real AWS account, live with the stack, destroy it, and say what was seen.

It never runs by accident: profile and region must be given, and it asks for the account's id before it changes
anything.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.engine import ensure_engine
from sandbox.timeline import Timeline
from tests.acceptance.account import Account, NoAccount, open_account
from tests.acceptance.leftovers import KINDS, PENDING, commands
from tests.acceptance.scene import Scene
from tests.acceptance.steps import STEPS, TEARDOWN, Step

EXPECTED = (
    "It makes some 50 resources (queues, a secret, a key, a function, a schedule, alarms, a topic, roles) under a name "
    "of its own, uses them for up to an hour, and deletes them; AWS keeps the key for 7 more days. AWS bills what is "
    "used. Amazon's Selling Partner API is not called."
)


def main(words: Sequence[str] | None = None) -> int:
    """Run; the exit code is 0 only if every check was observed, and 2 if nothing was begun."""
    asked = _arguments().parse_args(words)
    show = Timeline()
    try:
        account = open_account(asked.profile, asked.region)
    except NoAccount as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    _introduce(show, account)
    if not asked.yes and not _agreed(account):
        sys.stderr.write("Nothing was done.\n")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="spapi-rotation-acceptance-"))
    engine = ensure_engine(show.note)
    show.note(f"engine {engine.version} ({engine.origin}); state, log and passphrase are in {folder}")
    scene = Scene(account, show, folder, engine, patience_seconds=asked.patience_minutes * 60)
    # Ended from outside, it still says what is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if not _walk(scene, STEPS):
            show.note("what comes after it is left out")
        _walk(scene, TEARDOWN)
    except KeyboardInterrupt:
        show.check("the run was finished", False, "interrupted")
    if not _report_left(scene) and not show.failed:
        shutil.rmtree(folder)
    return show.verdict()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make acceptance", description=__doc__, allow_abbrev=False)
    parser.add_argument("--profile", required=True, help="The AWS profile. The environment's is not used.")
    parser.add_argument("--region", required=True, help="The AWS region.")
    parser.add_argument("--yes", action="store_true", help="Do not ask for the account's id.")
    parser.add_argument(
        "--patience-minutes", type=float, default=30, help="How long to wait for the schedule, and for an alarm."
    )
    return parser


def _introduce(show: Timeline, account: Account) -> None:
    if account.rehearsal:
        show.step(
            "A REHEARSAL: this is an emulator on this machine. It shows that the script works, not that AWS does."
        )
    else:
        show.step(f"Acceptance run in the AWS account {account.account_id}, region {account.region}")
    show.note(f"account {account.account_id}, as {account.caller}, by the profile {account.profile}")
    show.note(EXPECTED)


def _agreed(account: Account) -> bool:
    try:
        return input(f"Type the account's id ({account.account_id}) to go on: ").strip() == account.account_id
    except EOFError:
        return False


def _walk(scene: Scene, steps: Sequence[Step]) -> bool:
    """Take steps until a vital one fails; whether none did. What a step raises is a miss, told and not hidden."""
    for step in steps:
        scene.show.step(step.title)
        before = len(scene.show.failed)
        try:
            step.act(scene)
        except Exception as error:  # noqa: BLE001 - shown as a miss; what was made must still be removed
            scene.show.check(step.title, False, f"{type(error).__name__}: {error}")
        if step.vital and len(scene.show.failed) > before:
            return False
    return True


def _report_left(scene: Scene) -> bool:
    """Print what is still there, and how to remove it; whether anything is."""
    show = scene.show
    try:
        left = [each for each, seen in scene.standing().items() if seen != PENDING]
    except (BotoCoreError, ClientError) as error:
        show.check("what is left can be seen", False, error)
        left = [each for each in scene.made if each.kind in KINDS]
    if not left:
        return False
    show.step(f"{len(left)} resources are left in the account. To have Pulumi remove them:")
    for line in scene.by_hand():
        show.console.print(line, soft_wrap=True, markup=False)
    show.step("Or, where Pulumi can't any more, one by one:")
    for line in commands(scene.account, left):
        show.console.print(line, soft_wrap=True, markup=False)
    return True


if __name__ == "__main__":
    sys.exit(main())
