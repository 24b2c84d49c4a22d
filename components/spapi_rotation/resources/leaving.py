"""How an application leaves the component and comes back: its resource options, and what is said on the way.

Pulumi only says what went wrong, and its own advice for a protected resource deletes a live secret. So the hooks here
look at the secret's labels before a schedule is switched off, and name the commands where a secret cannot be made.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import pulumi

from spapi_rotation.errors import RotationInFlight
from spapi_rotation.scope import Scope
from spapi_rotation.validation.applications import ValidApplication
from spapi_rotation_lambda.domain.labels import Label, Version, Versions
from spapi_rotation_lambda.domain.rules import UNANSWERED_BLOCKS
from spapi_rotation_lambda.domain.times import format_time

ENABLED, DISABLED = "ENABLED", "DISABLED"
SECRET_TYPE = "aws:secretsmanager/secret:Secret"  # noqa: S105

_SCHEDULED_FOR_DELETION = "scheduled for deletion"
_GONE = "ResourceNotFoundException"
_EXISTS = ("ResourceExistsException", "already exists")


def merged(*options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Options over one another; the last one wins."""
    result = pulumi.ResourceOptions()
    for each in options:
        result = pulumi.ResourceOptions.merge(result, each)
    return result


def leaving_options(application: ValidApplication, *, secret: bool = False) -> pulumi.ResourceOptions:
    """The options of a schedule or secret that go over those of the scope.

    A retired application's have no protection, not even the component's own, and its secret is kept in AWS when the
    entry is removed. Its key is left to whoever moves the secret off it.
    """
    if not application.retired:
        return pulumi.ResourceOptions()
    if not secret:
        return pulumi.ResourceOptions(protect=False)
    return pulumi.ResourceOptions(protect=False, retain_on_delete=True, ignore_changes=["kmsKeyId"])


def stop_while_in_flight(
    scope: Scope, application: ValidApplication, secret_arn: pulumi.Input[str]
) -> pulumi.ResourceOptions:
    """The option that lets a schedule be switched off only when no rotation of its application is in flight."""
    if not application.retired:
        return pulumi.ResourceOptions()

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        if (args.old_inputs or {}).get("state") == DISABLED:
            return
        versions = await _versions(scope, secret_arn)
        if reason := in_flight(versions, application.name, datetime.now(UTC)):
            raise reason

    return pulumi.ResourceOptions(
        hooks=pulumi.ResourceHookBinding(
            before_update=[pulumi.ResourceHook(f"{scope.name}-retire-{application.suffix}", refuse)]
        )
    )


def in_flight(versions: Versions, application: str, now: datetime) -> RotationInFlight | None:
    """Why an application cannot be retired yet, by its secret's labels; None if it can.

    Only what is unfinished counts, not the 7 days after a finished rotation: nothing is left to be done in them.
    """
    if versions.id_of(Label.PENDING):
        return RotationInFlight(
            f"{application} cannot be retired yet: it has received a new client secret that is not in use.",
            remedy=f"Run `pulumi up` again when that is in use; `spapi-rotation status {application}` shows it. "
            f"`spapi-rotation promote {application}` and `spapi-rotation reject {application}` decide that at once.",
        )
    record, received = versions.labelled(Label.REQUEST), versions.labelled(Label.RECEIVED)
    if record is None or Label.REFUSED in record.labels or _is_after(received, record):
        return None
    until = record.created_at + UNANSWERED_BLOCKS
    if now >= until:
        return None
    return RotationInFlight(
        f"{application} cannot be retired yet: a new client secret was requested at {format_time(record.created_at)}, "
        "and Amazon's message has not come.",
        remedy=f"Run `pulumi up` again when the new one is in use; `spapi-rotation status {application}` shows it. "
        f"If the message never comes, this ends at {format_time(until)}.",
    )


def say_what_stays(scope: Scope, application: ValidApplication, secret_arn: pulumi.Output[str]) -> None:
    """Show the ARN of a retired application's secret, and how it is moved off the component's key."""

    def say(arn: str) -> None:
        pulumi.log.info(what_stays(application.name, arn, adopted=application.adoption is not None), scope.component)

    secret_arn.apply(say)


def what_stays(application: str, arn: str, *, adopted: bool) -> str:
    """What is told of a retired application in each preview and update."""
    told = f"{application} is retired: its schedule is off, nothing is rotated. Its secret stays: {arn}."
    if adopted:
        return f"{told} Its entry can be removed in the next `pulumi up`."
    region = arn.split(":")[3]
    return (
        f"{told} It is encrypted by the component's key. To move it to the AWS managed key: `aws secretsmanager "
        f"update-secret --secret-id {arn} --kms-key-id alias/aws/secretsmanager --region {region}`. "
        "Its entry can be removed in the next `pulumi up`."
    )


def explain_failure(scope: Scope, application: ValidApplication, resource_name: str) -> pulumi.ResourceOptions:
    """The option that names the commands when a secret of this name is there already, or scheduled for deletion."""

    async def explain(args: pulumi.ErrorHookArgs) -> bool:
        name = str((args.new_inputs or {}).get("name"))
        urn, region = await scope.component.urn.future(), await scope.region.future()
        text = way_back(
            application.name, args.errors, secret=name, resource=resource_name, component=str(urn), region=str(region)
        )
        if args.failed_operation == "create" and text:
            pulumi.log.error(text, scope.component)
        return False

    hook = pulumi.ErrorHook(f"{scope.name}-secret-{application.suffix}-failed", explain)
    return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[hook]))


def way_back(
    application: str, errors: Sequence[str], *, secret: str, resource: str, component: str, region: str
) -> str | None:
    """How a secret that was there before is taken back; None if the errors are about something else."""
    taken_back = (
        f"`pulumi import {SECRET_TYPE} {resource} ARN --parent parent={component} --generate-code=false`, "
        "then `pulumi up`"
    )
    if any(_SCHEDULED_FOR_DELETION in error for error in errors):
        return (
            f"{application}: its secret {secret} was deleted and can be restored. What to do: "
            f"`aws secretsmanager restore-secret --secret-id {secret} --region {region}` shows its ARN; import it "
            f"with {taken_back}. If its key was deleted as well, follow docs/leaving.md first: without the key its "
            "values are lost."
        )
    if any(sign in error for error in errors for sign in _EXISTS):
        return (
            f"{application}: its secret {secret} exists already and is not in this stack. What to do: if the "
            f"application was retired and is coming back, `aws secretsmanager describe-secret --secret-id {secret} "
            f"--region {region}` shows its ARN; import it with {taken_back}. If it belongs to somebody else, choose "
            "another secret_prefix."
        )
    return None


def _is_after(received: Version | None, record: Version) -> bool:
    # The provider tells whole seconds. Within the second of a request nothing else can have been received.
    return received is not None and received.created_at > record.created_at


async def _versions(scope: Scope, secret_arn: pulumi.Input[str]) -> Versions:
    """The labels alone, by the component's own provider: no value is read. None of them if the secret is gone."""
    arn = str(await pulumi.Output.from_input(secret_arn).future())
    try:
        # Not the function of pulumi-aws: an Output that fails would end the program with a traceback as well.
        found = await pulumi.runtime.invoke_async(
            "aws:secretsmanager/getSecretVersions:getSecretVersions",
            {"secretId": arn},
            pulumi.InvokeOptions(parent=scope.component, version=version("pulumi-aws")),
        )
    except Exception as error:
        if _GONE in str(error):
            return Versions(arn, ())
        raise
    return Versions(
        arn,
        tuple(
            Version(each["versionId"], frozenset(each["versionStages"]), datetime.fromisoformat(each["createdTime"]))
            for each in found["versions"]
        ),
    )
