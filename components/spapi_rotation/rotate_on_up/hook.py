"""The before-hook of a trigger: a warning in the preview, and in ``up`` an error of one line before anything happens.

What ``create`` of a dynamic resource raises is printed as a traceback; what a hook raises is not.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import pulumi
from botocore.exceptions import BotoCoreError, ClientError

from spapi_rotation.rotate_on_up.run import RotateOnUpError, Run, failure
from spapi_rotation.rotate_on_up.verdict import Kind, Verdict, verdict
from spapi_rotation_lambda.domain.errors import RotationError

NOT_YET_KNOWN = "something that it needs is not made yet."


def before_hooks(resource_name: str, aws: Mapping[str, Any]) -> pulumi.ResourceOptions:
    """The option that gives a trigger its hook.

    Args:
        resource_name: the trigger's; the hook is named after it.
        aws: the stack's settings of pulumi-aws.
    """
    preview = pulumi.runtime.is_dry_run()

    async def tell_verdict(args: pulumi.ResourceHookArgs) -> None:
        new, old = await _plain(args.new_inputs), await _plain(args.old_inputs)
        if old.get("trigger") == new.get("trigger"):
            return
        found = await asyncio.to_thread(_look, aws, new, preview=preview)
        if preview or found.kind is Kind.DEFECT:
            pulumi.log.warn(found.in_preview(str(new.get("application"))))
        elif found.ends_up:
            raise RotateOnUpError(found.reason)

    hook = pulumi.ResourceHook(f"{resource_name}-verdict", tell_verdict, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]))


def _look(aws: Mapping[str, Any], props: Mapping[str, Any], *, preview: bool) -> Verdict:
    """The verdict; what goes wrong on the way to it is one too."""
    if pulumi.contains_unknowns({name: props.get(name) for name in ("secret_arn", "client_id", "trigger", "settings")}):
        return Verdict(Kind.UNKNOWN, NOT_YET_KNOWN)
    try:
        run = Run.of(aws, props)
        return verdict(run.ports, run.application, run.trigger, waits=not preview)
    except RotationError as error:
        return Verdict(Kind.DECLINED, failure(props, error))
    except (ClientError, BotoCoreError) as error:
        return Verdict(Kind.FAILS, failure(props, error))
    except Exception as error:  # noqa: BLE001  (the run itself follows, and says what is wrong with it)
        return Verdict(Kind.DEFECT, failure(props, error))


async def _plain(inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """A resource's inputs; those that are secret come as Outputs."""
    given = {name: value for name, value in (inputs or {}).items() if name != "__provider"}
    found = await pulumi.Output.from_input(given).future(with_unknowns=True)
    return dict(found or {})
