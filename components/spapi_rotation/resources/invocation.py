"""A rotation during ``pulumi up`` by the function: it is invoked when the trigger text is set or changed."""

import pulumi
import pulumi_aws as aws

from spapi_rotation_lambda.settings import Action


def invoke_on_up(
    resource_name: str,
    *,
    application: str,
    client_id: str,
    trigger: pulumi.Input[str],
    function_name: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.lambda_.Invocation:
    """Declare the invocation. Its error fails the update, so that the next one tries again; deleting it does nothing.

    Args:
        application: the application's name, for the warning in the preview.
    """
    event = {"action": Action.ROTATE_ON_UP.value, "client_id": client_id, "trigger": trigger}
    return aws.lambda_.Invocation(
        resource_name,
        function_name=function_name,
        input=pulumi.Output.json_dumps(event),
        lifecycle_scope="CREATE_ONLY",
        opts=pulumi.ResourceOptions.merge(opts, _before_hook(resource_name, application)),
    )


def _before_hook(resource_name: str, application: str) -> pulumi.ResourceOptions:
    """A warning in the preview. (A changed trigger text replaces the invocation, which is creating it.)"""
    preview = pulumi.runtime.is_dry_run()

    def tell_verdict(_: pulumi.ResourceHookArgs) -> None:
        if preview:
            pulumi.log.warn(
                f"{application}: whether `pulumi up` rotates is unknown, because with via: function the function "
                "decides, and a preview does not call it."
            )

    hook = pulumi.ResourceHook(f"{resource_name}-verdict", tell_verdict, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[hook]))
