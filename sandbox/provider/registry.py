"""Every resource type that the stand-in knows, and only those."""

from sandbox.provider.errors import StandInError, not_known
from sandbox.provider.resource import Resource
from sandbox.provider.services.alarms import Dashboard, MetricAlarm
from sandbox.provider.services.containers import Cluster, Service, TaskDefinition
from sandbox.provider.services.events import EventRule, EventTarget
from sandbox.provider.services.functions import Function
from sandbox.provider.services.iam import Role, RolePolicy
from sandbox.provider.services.invocations import Invocation
from sandbox.provider.services.kms import Alias, Key
from sandbox.provider.services.logs import LogGroup
from sandbox.provider.services.mappings import EventSourceMapping, FunctionEventInvokeConfig
from sandbox.provider.services.scheduler import Schedule, ScheduleGroup
from sandbox.provider.services.secretsmanager import Secret, SecretPolicy
from sandbox.provider.services.sns import Topic, TopicPolicy
from sandbox.provider.services.sqs import Queue, QueuePolicy, RedriveAllowPolicy, RedrivePolicy
from sandbox.provider.services.workflows import StateMachine

_TYPES: tuple[type[Resource], ...] = (
    Alias,
    Cluster,
    Dashboard,
    EventRule,
    EventSourceMapping,
    EventTarget,
    Function,
    FunctionEventInvokeConfig,
    Invocation,
    Key,
    LogGroup,
    MetricAlarm,
    Queue,
    QueuePolicy,
    RedriveAllowPolicy,
    RedrivePolicy,
    Role,
    RolePolicy,
    Schedule,
    ScheduleGroup,
    Secret,
    SecretPolicy,
    Service,
    StateMachine,
    TaskDefinition,
    Topic,
    TopicPolicy,
)


def all_resources() -> dict[str, Resource]:
    """Every type by its token, new for one provider."""
    return {kind.spec.token: kind() for kind in _TYPES}


def find(resources: dict[str, Resource], token: str) -> Resource:
    """The type of a token.

    Raises:
        StandInError: the stand-in does not know it.
    """
    try:
        return resources[token]
    except KeyError:
        raise StandInError(not_known(f"the resource type {token}", resources)) from None
