"""Existing secrets that applications keep: where they must lie. How the function learns of them, and of key names."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pulumi

from spapi_rotation.scope import Scope, here
from spapi_rotation.validation.applications import ValidApplication
from spapi_rotation.validation.inputs import MaybeOutput, raising_invalid_argument
from spapi_rotation_lambda.domain.applications import schedule_name
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.settings import Env

ENVIRONMENT_LIMIT = 4096
"""Bytes that Lambda allows for all environment variables together. Source: Lambda guide, "Lambda quotas"."""

LONGEST_QUEUE_URL = len("https://sqs..amazonaws.com//") + len("ap-southeast-1") + 12 + 80
"""Stands for the queues' URLs, which AWS makes: region, account, and SQS's longest queue name."""

LONGEST_SCHEDULE_GROUP = 64
"""The same for the schedule group's name. Source: Scheduler API reference, CreateScheduleGroup."""

Entry: TypeAlias = tuple[str, str, Mapping[str, str]]
"""Client id, ARN of its secret, the owner's names of our keys."""


@dataclass(frozen=True, slots=True)
class AdoptedSecrets:
    """The existing secrets of a component.

    Attributes:
        secret_arns: each by the application's name.
        key_arns: the keys that encrypt them, each once.
        environment: the function's map of them (ADOPTED_SECRETS).
    """

    secret_arns: Mapping[str, pulumi.Output[str]]
    key_arns: pulumi.Output[list[str]] | None
    environment: pulumi.Output[str]


def adopt(
    scope: Scope, applications: Sequence[ValidApplication], *, secret_prefix: MaybeOutput[str]
) -> AdoptedSecrets | None:
    """Validate where the existing secrets lie; None if there are none.

    Raises:
        InvalidArgument: from the outputs, during the preview: a secret or key lies elsewhere than the component,
            a secret is the component's own, or two applications name the same secret.
    """
    secrets: dict[str, pulumi.Output[str]] = {}
    keys: list[pulumi.Output[str]] = []
    entries: list[pulumi.Output[Entry]] = []
    for application in applications:
        if (adoption := application.adoption) is None:
            continue
        where = f"applications.{application.name}"
        arn = _not_own(here(scope, adoption.secret_arn, f"{where}.secret_arn"), secret_prefix, application)
        secrets[application.name] = arn
        if adoption.key_arn is not None:
            keys.append(here(scope, adoption.key_arn, f"{where}.secret_key_arn"))
        entries.append(pulumi.Output.all(application.client_id, arn, application.keys).apply(_entry))
    if not secrets:
        return None
    return AdoptedSecrets(
        secret_arns=secrets,
        key_arns=pulumi.Output.all(*keys).apply(lambda arns: sorted(set(arns))) if keys else None,
        environment=pulumi.Output.all(*entries).apply(raising_invalid_argument(environment_of)),
    )


def environment_of(entries: Sequence[Entry]) -> str:
    """The text of ADOPTED_SECRETS, as short as it can be.

    Raises:
        BadSettings: two applications name the same secret.
    """
    found: dict[str, Mapping[str, object]] = {}
    for client_id, arn, keys in entries:
        if any(entry["secret_arn"] == arn for entry in found.values()):
            raise BadSettings(
                "Two applications have the same secret_arn.",
                remedy="Give each application its own secret: one holds the credentials of one client id.",
            )
        named: Mapping[str, object] = {"keys": dict(keys)} if keys else {}
        found[client_id] = {"secret_arn": arn, **named}
    return _compact(found)


def secret_keys(applications: Sequence[ValidApplication]) -> pulumi.Output[str] | None:
    """The text of SECRET_KEYS, for the secrets that the component makes; None if no application names keys."""
    named = [each for each in applications if each.adoption is None and each.keys]
    if not named:
        return None
    return pulumi.Output.all(*(pulumi.Output.all(each.suffix, each.keys) for each in named)).apply(_keys_of)


def _keys_of(entries: Sequence[Any]) -> str:
    """As short as it can be: clients of many applications want the same names."""
    found: dict[str, list[str]] = {}
    for suffix, keys in entries:
        found.setdefault(_compact(dict(keys)), []).append(str(suffix))
    return _compact([{"keys": json.loads(keys), "of": sorted(of)} for keys, of in sorted(found.items())])


def settings_of_one(environment: Mapping[str, pulumi.Input[str]], client_id: str) -> dict[str, pulumi.Input[str]]:
    """The function's environment as far as it concerns one application: another one's secret is no change to it."""

    def own(variable: Env, pick: Callable[[str], str]) -> pulumi.Output[str]:
        return pulumi.Output.from_input(environment.get(variable.value, "")).apply(pick)

    return {
        **environment,
        Env.ADOPTED_SECRETS.value: own(Env.ADOPTED_SECRETS, lambda text: _entry_of(text, client_id)),
        Env.SECRET_KEYS.value: own(Env.SECRET_KEYS, lambda text: _keys_of_one(text, schedule_name(client_id))),
    }


def _entry_of(text: str, client_id: str) -> str:
    entries: dict[str, object] = json.loads(text) if text else {}
    return _compact({client_id: entries[client_id]}) if client_id in entries else ""


def _keys_of_one(text: str, suffix: str) -> str:
    groups: list[dict[str, Any]] = json.loads(text) if text else []
    own = [{**each, "of": [suffix]} for each in groups if suffix in each["of"]]
    return _compact(own) if own else ""


def _compact(data: object) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def validated_environment(
    variables: Mapping[str, pulumi.Input[str]], maps: Mapping[Env, pulumi.Output[str] | None]
) -> dict[str, pulumi.Output[str]]:
    """What tells of the secrets, validated to fit into the function's environment with the other variables.

    What AWS names, unknown in the first preview, is counted at its longest, so that the preview can tell.

    Args:
        variables: the others.
        maps: ADOPTED_SECRETS and SECRET_KEYS, where there are any.
    """
    given = {name.value: text for name, text in maps.items() if text is not None}
    if not given:
        return {}
    unknown = {
        Env.QUEUE_URL.value: "x" * LONGEST_QUEUE_URL,
        Env.DEAD_LETTER_QUEUE_URL.value: "x" * LONGEST_QUEUE_URL,
        Env.UNCLAIMED_QUEUE_URL.value: "x" * LONGEST_QUEUE_URL,
        Env.SCHEDULE_GROUP.value: "x" * LONGEST_SCHEDULE_GROUP,
    }
    known = pulumi.Output.all(**{**variables, **unknown, **given}).apply(raising_invalid_argument(_validate_size))
    return {name: known.apply(lambda all_, name=name: str(all_[name])) for name in given}  # type: ignore[misc]


def validate_owner(arn: str, secret_prefix: str, application: ValidApplication) -> str:
    """The ARN, unless it is that of the secret which the component makes for this very application.

    To adopt it, the stack would have to give it up, and Pulumi would delete it.

    Raises:
        BadSettings: it is.
    """
    name = arn.split(":")[6][: -len("-abcdef")]
    if name != f"{secret_prefix}/{application.client_id}":
        return arn
    raise BadSettings(
        f"applications.{application.name}.secret_arn is the secret that the component itself creates for "
        f"{application.name}.",
        remedy="Leave secret_arn out. If the stack no longer manages the secret, `pulumi up` then shows the "
        "command that takes it back.",
    )


def _not_own(
    arn: pulumi.Output[str], secret_prefix: MaybeOutput[str], application: ValidApplication
) -> pulumi.Output[str]:
    both = pulumi.Output.all(arn, secret_prefix)
    return both.apply(raising_invalid_argument(lambda each: validate_owner(str(each[0]), str(each[1]), application)))


def _entry(parts: Sequence[Any]) -> Entry:
    client_id, arn, keys = parts
    return str(client_id), str(arn), keys


def _validate_size(variables: Mapping[str, str]) -> Mapping[str, str]:
    # As JSON, because Lambda's own refusal shows that as what it measured: quotes within a value count twice.
    size = len(json.dumps(dict(variables), separators=(",", ":")).encode())
    if size > ENVIRONMENT_LIMIT:
        raise BadSettings(
            f"The existing secrets and secret_keys need too much of the function's environment: about {size} bytes of "
            f"{ENVIRONMENT_LIMIT} that Lambda allows.",
            remedy="Spread the applications with a secret_arn or secret_keys over several components, or let the "
            "component create their secrets, with its own key names.",
        )
    return variables
