"""The component: everything that rotates the client secrets of a few applications, unattended."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from spapi_rotation.args import ClientSecretRotationArgs, Via
from spapi_rotation.resources.adopted_secrets import adopt, settings_of_one
from spapi_rotation.resources.alarms import alarm_topic, create_alarms
from spapi_rotation.resources.dashboard import create_dashboard
from spapi_rotation.resources.encryption import create_key, create_queue_key
from spapi_rotation.resources.function import Function, create_function
from spapi_rotation.resources.guards import create_guards
from spapi_rotation.resources.invocation import invoke_on_up
from spapi_rotation.resources.log import create_log_group
from spapi_rotation.resources.queue import create_queues
from spapi_rotation.resources.readers import (
    attach_reader_policy,
    create_secret_policies,
    key_statements,
    reader_policy,
    target_of_all,
    targets,
)
from spapi_rotation.resources.restart import create_restart
from spapi_rotation.resources.schedule import create_group, create_schedules
from spapi_rotation.resources.secret import create_secrets, replicas_elsewhere
from spapi_rotation.scope import Scope, default_identity, make_scope
from spapi_rotation.validation.applications import ValidApplication
from spapi_rotation.validation.arguments import ValidArgs, validate_args, validate_component_name
from spapi_rotation_lambda.domain.registration import registration_steps

TYPE_TOKEN = "spapi-rotation:index:ClientSecretRotation"  # noqa: S105


class ClientSecretRotation(pulumi.ComponentResource):
    """Rotates the client secrets of Amazon Selling Partner API applications, unattended: the queue for Amazon's messages, one secret per application, the rotation function, its schedule and its alarms, all encrypted by customer-managed keys."""  # noqa: E501

    identity: pulumi.Output[str]
    """The name that secrets, log group, alarms and tags are based on. Set it as `identity` before a rename."""

    queue_arn: pulumi.Output[str]
    """ARN of the destination queue, to be registered with Amazon by hand."""

    queue_url: pulumi.Output[str]
    """URL of the destination queue."""

    dead_letter_queue_arn: pulumi.Output[str]
    """ARN of the dead-letter queue."""

    dead_letter_queue_url: pulumi.Output[str]
    """URL of the dead-letter queue. Its messages may hold a live secret."""

    unclaimed_queue_url: pulumi.Output[str]
    """URL of the queue for messages of applications that the component does not know. They may hold a live secret."""

    operations_queue_url: pulumi.Output[str]
    """URL of the queue for failed checks and schedules. It never holds a secret."""

    secret_arns: pulumi.Output[dict[str, str]]
    """ARN of each application's secret, new or existing, by the application's name."""

    function_name: pulumi.Output[str]
    """Name of the rotation function."""

    function_role_arn: pulumi.Output[str]
    """ARN of the rotation function's role."""

    log_group_name: pulumi.Output[str]
    """Name of the rotation function's log group."""

    schedule_names: pulumi.Output[dict[str, str]]
    """Name of each application's schedule, by the application's name."""

    key_arn: pulumi.Output[str]
    """ARN of the key for secrets, function, log and alarms, and for every queue but the destination."""

    queue_key_arn: pulumi.Output[str | None]
    """ARN of the destination queue's key, which Amazon's sender may use. Absent for your own queue without a key."""

    alarm_names: pulumi.Output[dict[str, str]]
    """Name of each alarm in CloudWatch, by its short name such as `expired`. Empty if alarms are switched off."""

    alarm_topic_arn: pulumi.Output[str | None]
    """ARN of the SNS topic for the alarms; subscribe to it. Absent if alarms are switched off."""

    restart_state_machine_arn: pulumi.Output[str | None]
    """ARN of the state machine that redeploys the services of `restart`. Absent if there are none."""

    restart_queue_url: pulumi.Output[str | None]
    """URL of the queue for events that could not start that state machine. It never holds a secret. Absent likewise."""

    reader_policy_json: pulumi.Output[dict[str, str]]
    """The IAM policy, as JSON, that a role needs to read an application's secret, by the application's name."""

    registration_steps: pulumi.Output[str]
    """The steps to do by hand in Amazon's Developer Console, with the queue's ARN."""

    def __init__(self, name: str, args: ClientSecretRotationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the component and its resources.

        Args:
            name: a letter and up to 31 letters, digits, hyphens and underscores; part of the names of AWS resources.
            args: see ClientSecretRotationArgs.
            opts: `protect`, `providers` and the like reach every child.

        Raises:
            InvalidArgument: an argument is not usable. For a value that is an Output: when it becomes known.
            UnusableArchive: the function's archive is missing, or was not made from the modules and the lock beside it.
        """
        super().__init__(TYPE_TOKEN, validate_component_name(name), None, opts)
        valid = validate_args(args, default_identity=default_identity(name))
        scope = make_scope(
            self, name, valid.tags, identity=valid.identity, deletion_protection=valid.deletion_protection
        )
        adopted = adopt(scope, valid.applications, secret_prefix=valid.secret_prefix)
        own_topic = valid.alarms and valid.alarm_topic_arn is None
        readers = key_statements(scope, valid.applications, everywhere=valid.readers, prefix=valid.secret_prefix)
        key = create_key(
            scope, valid.key_deletion_window_days, own=valid.keys.secrets, alarms=own_topic, readers=readers
        )
        queue_key = create_queue_key(
            scope,
            valid.key_deletion_window_days,
            own=valid.keys.queue,
            existing_queue=valid.queue_arn is not None,
        )
        log_group = create_log_group(scope, key, valid.log_retention_days)
        queues = create_queues(scope, key=key, queue_key=queue_key, own=valid.queue_arn)
        replica_regions = replicas_elsewhere(scope, valid.replica_regions)
        secret_arns = create_secrets(
            scope,
            valid.applications,
            prefix=valid.secret_prefix,
            key=key,
            log_group=log_group,
            recovery_window_days=valid.secret_recovery_window_days,
            adopted=adopted,
            replica_regions=replica_regions,
        )
        create_secret_policies(scope, valid.applications, everywhere=valid.readers, secret_arns=secret_arns)
        group = create_group(scope)
        topic_arn = alarm_topic(scope, valid, key)
        function = create_function(
            scope,
            valid,
            key=key,
            queue_key=queue_key,
            queues=queues,
            log_group=log_group,
            schedule_group=group.name,
            topic_arn=topic_arn,
            adopted=adopted,
            replica_regions=replica_regions,
        )
        schedules = create_schedules(
            scope,
            valid.applications,
            group=group,
            every_hours=valid.check_interval_hours,
            function=function.function,
            queues=queues,
            key=key,
            secret_arns=secret_arns,
            roles=valid.roles,
        )
        restart = create_restart(scope, valid)
        alarms = create_alarms(
            scope,
            valid,
            queues=queues,
            function=function.function,
            log_group=log_group,
            topic_arn=topic_arn,
            restart=restart,
        )
        create_dashboard(scope, valid, queues=queues, function=function.function, log_group=log_group, alarms=alarms)
        children = frozenset(self._childResources)
        needed = [key.resource, queue_key.resource if queue_key else None, queues.destination_policy, function.function]
        for application in valid.applications:
            _rotate_on_up(
                scope,
                valid,
                application,
                secret_arn=secret_arns[application.name],
                function=function,
                needed=[*(each for each in needed if each is not None), *function.ready],
            )
        create_guards(scope, children=children, triggers=frozenset(self._childResources) - children)
        self.identity = pulumi.Output.from_input(valid.identity)
        self.queue_arn = queues.destination.arn
        self.queue_url = queues.destination.url
        self.dead_letter_queue_arn = queues.dead_letter.arn
        self.dead_letter_queue_url = queues.dead_letter.url
        self.unclaimed_queue_url = queues.unclaimed.url
        self.operations_queue_url = queues.operations.url
        self.secret_arns = pulumi.Output.all(**secret_arns)
        self.function_name = function.function.name
        self.function_role_arn = function.role.arn
        self.log_group_name = log_group.name
        self.schedule_names = pulumi.Output.all(**{app: each.name for app, each in schedules.items()})
        self.key_arn = key.arn
        self.queue_key_arn = pulumi.Output.from_input(queue_key.arn if queue_key is not None else None)
        self.alarm_names = pulumi.Output.all(**{name: alarm.name for name, alarm in alarms.items()}).apply(dict)
        self.alarm_topic_arn = pulumi.Output.from_input(topic_arn)
        self.restart_state_machine_arn = pulumi.Output.from_input(restart.machine.arn if restart else None)
        self.restart_queue_url = pulumi.Output.from_input(restart.not_started.url if restart else None)
        self._readable = targets(valid.applications, secret_arns=secret_arns, key_arn=key.arn, replicas=replica_regions)
        self._all_made = target_of_all(scope, valid.secret_prefix, key.arn, replicas=replica_regions)
        self.reader_policy_json = pulumi.Output.all(
            **{app: reader_policy([each]) for app, each in self._readable.items()}
        ).apply(dict)
        self.registration_steps = queues.destination.arn.apply(registration_steps)
        self.register_outputs({output: getattr(self, output) for output in OUTPUTS})

    def grant_read(
        self, role: aws.iam.Role | str, application: str | None = None, opts: pulumi.ResourceOptions | None = None
    ) -> aws.iam.RolePolicy:
        """Let a role of the component's account read one application's secret, or all, by an inline policy of its own.

        A role of another account needs a place in `readers` as well. An existing secret's key must let the role use it.

        Args:
            role: the role, or its name.
            application: the application by its name; None for every secret that the component makes, later ones too,
                and every existing one.
            opts: over those of the policy.

        Raises:
            InvalidArgument: there is no such application, or the role is given by its ARN.
        """
        return attach_reader_policy(
            self, self._name, role, application, readable=self._readable, all_made=self._all_made, opts=opts
        )


def _rotate_on_up(
    scope: Scope,
    args: ValidArgs,
    application: ValidApplication,
    *,
    secret_arn: pulumi.Output[str],
    function: Function,
    needed: Sequence[pulumi.Resource],
) -> None:
    """Declare the resource that rotates an application during `pulumi up`, if it has a trigger text."""
    if application.rotate_on_up is None:
        return
    resource_name = f"{scope.name}-rotate-{application.suffix}"
    opts = scope.options(depends_on=needed)
    if args.via is Via.FUNCTION:
        invoke_on_up(
            resource_name,
            application=application.name,
            client_id=application.client_id,
            trigger=application.rotate_on_up,
            function_name=function.function.name,
            opts=opts,
        )
        return
    # Only here, so that a program without a trigger does not load what posts to Amazon.
    from spapi_rotation.rotate_on_up import RotateOnUp

    RotateOnUp(
        resource_name,
        application=application.name,
        client_id=application.client_id,
        secret_arn=secret_arn,
        trigger=application.rotate_on_up,
        settings=settings_of_one(function.environment, application.client_id),
        wait_seconds=args.wait_seconds,
        opts=opts,
    )


OUTPUTS = tuple(ClientSecretRotation.__annotations__)
"""The names of the component's outputs."""
