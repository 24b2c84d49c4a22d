"""The stand-in provider under the real engine: a program with every resource type, from creation to deletion."""

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.emulator import ACCOUNT, AwsEmulator
from sandbox.engine import ensure_engine
from sandbox.processes import scrubbed_environment
from sandbox.provider.install import install
from sandbox.provider.plugin import ANNOUNCEMENT
from tests.sandbox.provider_support import MINIMAL

pytestmark = [pytest.mark.sandbox, pytest.mark.engine, pytest.mark.slow]

PROGRAM = Path(__file__).with_name("provider_program.py")
HANDLER = """
import generated


def handler(event, context):
    return {"got": event, "version": generated.VERSION}
"""


class Project:
    """A Pulumi project on a local backend, run with the stand-in provider."""

    def __init__(self, folder: Path, emulator: AwsEmulator) -> None:
        self.folder = folder / "program"
        self.emulator = emulator
        engine = ensure_engine(print)
        plugins = folder / "plugins"
        install(plugins, Path(sys.executable))
        for needed in (self.folder, folder / "backend", folder / "home"):
            needed.mkdir()
        (self.folder / "Pulumi.yaml").write_text("name: provider-test\nruntime: python\n")
        self.environment = scrubbed_environment(
            **emulator.environment(),
            PATH=engine.search_path(plugins),
            HOME=str(folder / "home"),
            PULUMI_HOME=str(folder / "home" / ".pulumi"),
            PULUMI_BACKEND_URL=f"file://{folder / 'backend'}",
            PULUMI_CONFIG_PASSPHRASE=secrets.token_hex(16),
            PULUMI_SKIP_UPDATE_CHECK="true",
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.run("stack", "init", "test")
        self.set("aws:region", "us-east-1")

    def run(self, *arguments: str, succeeds: bool = True) -> str:
        """Run a command; what it printed."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert (done.returncode == 0) is succeeds, done.stdout
        return done.stdout

    def set(self, key: str, value: str) -> None:
        """Set a configuration value."""
        self.run("config", "set", key, value)

    def program(self, text: str) -> None:
        """The program, below the imports it needs."""
        (self.folder / "__main__.py").write_text(f"import json\nimport pulumi\nimport pulumi_aws as aws\n{text}\n")

    def resources(self) -> dict[str, dict[str, Any]]:
        """The state's resources by type and name."""
        exported = json.loads(self.run("stack", "export"))["deployment"].get("resources", [])
        return {item["urn"].partition("provider-test::")[2]: item for item in exported}

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json"))
        return found


@pytest.fixture
def project(tmp_path: Path, aws: AwsEmulator) -> Iterator[Project]:
    """A project; whatever it made is deleted with the emulator's reset."""
    yield Project(tmp_path, aws)


@pytest.fixture
def whole(project: Project, tmp_path: Path) -> Project:
    """A project with the program that uses every type."""
    code = tmp_path / "code"
    (code / "nested").mkdir(parents=True)
    (code / "handler.py").write_text(HANDLER)
    (code / "nested" / "data.txt").write_text("data\n")
    shutil.copy(PROGRAM, project.folder / "__main__.py")
    ec2 = project.emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    place = {
        "subnet": ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"],
        "group": ec2.create_security_group(GroupName="g", Description="Group", VpcId=vpc)["GroupId"],
    }
    for key, value in {"variant": "first", "code": str(code), "invoke": "1", **place}.items():
        project.set(key, value)
    return project


def test_every_type_from_creation_to_deletion(whole: Project) -> None:
    preview = whole.run("preview")
    assert ANNOUNCEMENT in preview
    assert whole.resources() == {}

    whole.run("up", "--yes", "--skip-preview")
    made = whole.resources()
    assert set(MINIMAL) <= {item["type"] for item in made.values()}
    first = whole.outputs()
    assert json.loads(first["result"]) == {"got": {"from": "up"}, "version": 60}
    assert json.loads(first["every-change"])["got"] == {
        "version": 60,
        "pulumi": {"action": "create", "prev_input": None},
    }
    assert first["tagged"] == {"own": "yes", "owner": "platform"}
    assert first["code"] == made["aws:lambda/function:Function::function"]["outputs"]["codeSha256"]
    assert "obviously-fake" not in whole.run("stack", "export")

    whole.run("preview", "--expect-no-changes")
    whole.run("refresh", "--yes", "--expect-no-changes")
    whole.run("up", "--yes", "--skip-preview", "--expect-no-changes")

    whole.set("variant", "second")
    whole.run("preview")
    text = whole.run("up", "--yes", "--skip-preview")
    assert "replaced" not in text
    second = whole.outputs()
    assert {name for name in first if first[name] != second[name]} == {"code", "every-change"}
    assert json.loads(second["every-change"])["got"] == {
        "version": 90,
        "pulumi": {"action": "update", "prev_input": {"version": 60}},
    }
    sqs = whole.emulator.client("sqs")
    held = sqs.get_queue_attributes(QueueUrl=second["queue"], AttributeNames=["All"])["Attributes"]
    assert (held["VisibilityTimeout"], held["DelaySeconds"]) == ("540", "1")
    whole.run("preview", "--expect-no-changes")
    whole.run("refresh", "--yes", "--expect-no-changes")

    whole.set("invoke", "2")
    assert "1 replaced" in whole.run("up", "--yes", "--skip-preview")

    whole.run("destroy", "--yes", "--skip-preview")
    assert whole.resources() == {}
    assert sqs.list_queues().get("QueueUrls", []) == []
    assert whole.emulator.client("lambda").list_functions()["Functions"] == []
    assert whole.emulator.client("iam").list_roles()["Roles"] == []
    assert (
        whole.emulator.client("kms").describe_key(KeyId=second["key"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    )


def test_a_changed_file_is_a_changed_function(whole: Project, tmp_path: Path) -> None:
    whole.run("up", "--yes", "--skip-preview")
    before = whole.outputs()["code"]
    (tmp_path / "code" / "nested" / "data.txt").touch()
    whole.run("preview", "--expect-no-changes")
    (tmp_path / "code" / "nested" / "data.txt").write_text("other\n")
    assert "[diff: ~code]" in whole.run("up", "--yes", "--skip-preview")
    assert whole.outputs()["code"] != before


def test_refusals_name_what_is_refused(project: Project) -> None:
    cases = {
        "aws.s3.Bucket('b')": "does not know the resource type aws:s3/bucket:Bucket",
        "aws.sqs.Queue('q', fifo_queue=True)": "does not know the property 'fifoQueue' of aws:sqs/queue:Queue",
        "aws.sqs.Queue('q', region='eu-west-1')": "works in the provider's region us-east-1 only, not in eu-west-1",
        "aws.sqs.Queue('q', delay_seconds=901)": "expected to be in the range (0 - 900), got 901",
        "aws.ec2.get_vpc(default=True)": "does not know the function aws:ec2/getVpc:getVpc",
        "aws.sqs.Queue('q', opts=pulumi.ResourceOptions(provider=aws.Provider('p', insecure=True)))": (
            "does not know the provider configuration insecure"
        ),
    }
    for program, words in cases.items():
        project.program(program)
        text = project.run("preview", succeeds=False)
        assert words in text
        assert "servicer.py" not in text


def test_without_a_loopback_endpoint_nothing_is_done(project: Project) -> None:
    project.program("aws.sqs.Queue('q')")
    project.environment["AWS_ENDPOINT_URL"] = "https://example.com"
    assert "refuses to talk to example.com" in project.run("up", "--yes", "--skip-preview", succeeds=False)
    del project.environment["AWS_ENDPOINT_URL"]
    text = project.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "refuses to talk to sts.us-east-1.amazonaws.com" in text


def test_a_given_name_is_deleted_before_its_replacement_and_a_made_one_after(project: Project) -> None:
    project.program(
        "trust = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sts:AssumeRole',"
        " 'Principal': {'Service': 'lambda.amazonaws.com'}}]})\n"
        "path = pulumi.Config().require('path')\n"
        "aws.iam.Role('made', assume_role_policy=trust, path=path)\n"
        "aws.iam.Role('given', name='given', assume_role_policy=trust, path=path)\n"
    )
    project.set("path", "/first/")
    project.run("up", "--yes", "--skip-preview")
    before = project.resources()
    project.set("path", "/second/")
    text = project.run("up", "--yes", "--skip-preview")
    assert "2 replaced" in text
    assert text.index("given deleted original") < text.index("given created replacement")
    assert text.index("made created replacement") < text.index("made deleted original")
    after = project.resources()
    assert before["aws:iam/role:Role::made"]["id"] != after["aws:iam/role:Role::made"]["id"]
    assert after["aws:iam/role:Role::given"]["id"] == "given"
    roles = project.emulator.client("iam").list_roles()["Roles"]
    assert {role["Arn"] for role in roles} == {item["outputs"]["arn"] for item in _of_type(after, "aws:iam/role:Role")}


def test_drift_is_taken_back_and_what_was_deleted_is_made_again(project: Project) -> None:
    project.program("aws.sqs.Queue('q', name='q', delay_seconds=5)\naws.secretsmanager.Secret('s', name='s')")
    project.run("up", "--yes", "--skip-preview")
    sqs = project.emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "7"})
    project.emulator.client("secretsmanager").delete_secret(SecretId="s", ForceDeleteWithoutRecovery=True)
    project.run("refresh", "--yes", "--skip-preview")
    assert project.resources()["aws:sqs/queue:Queue::q"]["outputs"]["delaySeconds"] == 7
    assert "1 created" in project.run("up", "--yes", "--skip-preview")
    held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]
    assert held == {"DelaySeconds": "5"}
    project.run("preview", "--expect-no-changes")


def test_a_failed_invocation_is_made_again_by_the_next_update(project: Project) -> None:
    project.program(
        "trust = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sts:AssumeRole',"
        " 'Principal': {'Service': 'lambda.amazonaws.com'}}]}\n"
        "role = aws.iam.Role('role', assume_role_policy=trust)\n"
        "body = pulumi.Config().require('body')\n"
        "function = aws.lambda_.Function('f', role=role.arn, runtime='python3.13', handler='f.f',\n"
        "    code=pulumi.AssetArchive({'f.py': pulumi.StringAsset(f'def f(event, context): {body}')}))\n"
        "call = aws.lambda_.Invocation('call', function_name=function.name, input='{}')\n"
        "pulumi.export('result', call.result)\n"
    )
    project.set("body", "raise ValueError('not today')")
    text = project.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "not today" in text
    assert "aws:lambda/invocation:Invocation::call" not in project.resources()
    project.set("body", "return 'done'")
    project.run("up", "--yes", "--skip-preview")
    assert project.outputs() == {"result": '"done"'}


def test_an_existing_queue_is_imported(project: Project) -> None:
    sqs = project.emulator.client("sqs")
    url = sqs.create_queue(QueueName="old", Attributes={"MaximumMessageSize": "262144"}, tags={"a": "b"})["QueueUrl"]
    project.program(
        f"opts = pulumi.ResourceOptions(import_={url!r})\naws.sqs.Queue('q', name='old', tags={{'a': 'b'}}, opts=opts)"
    )
    text = project.run("up", "--yes", "--skip-preview")
    assert "1 imported" in text
    assert "1 updated" not in text
    assert project.resources()["aws:sqs/queue:Queue::q"]["outputs"]["arn"] == f"arn:aws:sqs:us-east-1:{ACCOUNT}:old"
    project.run("preview", "--expect-no-changes")


def _of_type(resources: dict[str, dict[str, Any]], token: str) -> list[dict[str, Any]]:
    return [item for item in resources.values() if item["type"] == token]
