"""What a fresh process of the function loads and makes for a check at rest, and what in Lambda's start phase."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials, Document
from spapi_rotation_lambda.domain.daily_slot import is_daily_slot
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time
from tests.fakes.world import CLIENT_ID

ROOT = Path(__file__).parents[2] / "rotation_lambda"

OURS = [
    "adapters",
    "adapters.aws_failures",
    "adapters.aws_session",
    "adapters.eventbridge",
    "adapters.kms",
    "adapters.scheduler",
    "adapters.secrets_manager",
    "adapters.sqs",
    "adapters.telemetry",
    "bootstrap",
    "domain",
    "domain.applications",
    "domain.credentials",
    "domain.daily_slot",
    "domain.deaths",
    "domain.errors",
    "domain.labels",
    "domain.redaction",
    "domain.request_record",
    "domain.rotation_policy",
    "domain.rules",
    "domain.snapshot",
    "domain.state",
    "domain.times",
    "handler",
    "ports",
    "settings",
    "start",
    "use_cases",
    "use_cases.asking",
    "use_cases.check",
]
"""Each module costs its compilation at every cold start: one more here needs a reason."""

OTHERS = {"botocore", "certifi", "dateutil", "jmespath", "six", "urllib3"}

SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"

INVOKED = """
import gc, json, sys
from datetime import datetime
from botocore.client import BaseClient

event, answers = json.load(sys.stdin)
for version in answers["ListSecretVersionIds"]["Versions"]:
    version["CreatedDate"] = datetime.fromisoformat(version["CreatedDate"])
made, begin = [], BaseClient.__init__

def noting(self, *given, **named):
    begin(self, *given, **named)
    made.append(self.meta.service_model.service_name)

BaseClient.__init__ = noting
BaseClient._make_api_call = lambda self, operation, parameters: answers[operation]
import spapi_rotation_lambda.start as start
at_start = list(made)
answer = start.handler(event, None)
loaded = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print(json.dumps({"answer": answer, "loaded": loaded, "made": made, "at_start": at_start, "collects": gc.isenabled()}))
"""
"""A fresh process: imports the handler, then invokes it. AWS's answers are given."""


def in_a_fresh_process() -> dict[str, Any]:
    """A check at rest there, of a secret that a message of Amazon has brought."""
    now = datetime.now(UTC)
    application = Application("shop", CLIENT_ID, f"prefix/{CLIENT_ID}")
    credentials = Credentials(CLIENT_ID, Sensitive("s" * 40), now - timedelta(days=10), now + timedelta(days=170))
    text = Document({}, application).with_credentials(credentials.sealed(), application).text().reveal()
    labels = [Label.CURRENT, Label.FIRST_SEEN, Label.RECEIVED]
    version = {"VersionId": "1" * 36, "VersionStages": labels, "CreatedDate": now.isoformat()}
    answers = {
        "ListSecretVersionIds": {
            "ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
            "Versions": [version],
        },
        "GetSecretValue": {"SecretString": text},
    }
    hours = (now - timedelta(hours=each) for each in range(3))
    at = next(each for each in hours if not is_daily_slot(CLIENT_ID, each, timedelta(hours=1)))
    event = {"action": "check", "application": "shop", "client_id": CLIENT_ID, "scheduled_at": format_time(at)}
    done = subprocess.run(
        [sys.executable, "-c", INVOKED],
        cwd=ROOT,
        input=json.dumps([event, answers]),
        env={
            "PATH": os.environ["PATH"],
            "AWS_DEFAULT_REGION": "eu-west-1",
            "SECRET_PREFIX": "prefix",
            "SCHEDULE_GROUP": "group",
            **dict.fromkeys(("QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "UNCLAIMED_QUEUE_URL"), "https://sqs.invalid/1/x"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["answer"] == {"state": "CURRENT"}
    return found


@pytest.fixture(scope="module")
def in_lambda() -> dict[str, Any]:
    return in_a_fresh_process()


def test_a_check_at_rest_loads_these_modules_and_no_others(in_lambda: dict[str, Any]) -> None:
    package = "spapi_rotation_lambda."
    assert sorted(name.removeprefix(package) for name in in_lambda["loaded"] if name.startswith(package)) == sorted(
        OURS
    )


def test_of_others_it_loads_only_what_the_clients_of_aws_need(in_lambda: dict[str, Any]) -> None:
    installed = {name.partition(".")[0] for name, file in in_lambda["loaded"].items() if "site-packages" in file}
    assert installed - {"_distutils_hack"} == OTHERS, "the hack comes with the interpreter's own start"


def test_it_makes_one_client_of_aws_in_lambdas_start_phase(in_lambda: dict[str, Any]) -> None:
    assert (in_lambda["at_start"], in_lambda["made"]) == (["secretsmanager"], ["secretsmanager"])


def test_the_start_leaves_the_garbage_collector_on(in_lambda: dict[str, Any]) -> None:
    assert in_lambda["collects"]


def test_settings_that_are_wrong_are_told_by_each_invocation_and_not_by_the_start() -> None:
    code = (
        "from spapi_rotation_lambda.start import BadSettings, handler\n"
        "for _ in range(2):\n"
        "    try:\n        handler({}, None)\n"
        "    except BadSettings as error:\n        print('QUEUE_URL' in str(error))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["True", "True"], "")
