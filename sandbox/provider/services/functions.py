"""Lambda: functions from zip archives. Source: ``internal/service/lambda/function.go`` of terraform-provider-aws."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider import archive
from sandbox.provider.aws import Aws, AwsRefused
from sandbox.provider.resource import CODE_HASH, Resource
from sandbox.provider.schema import (
    AutoName,
    Kind,
    Prop,
    Spec,
    arn,
    block,
    choice,
    flag,
    integer,
    longest,
    matching,
    one_of,
    required,
    text,
    text_map,
    text_set,
    texts,
)
from sandbox.provider.values import Props

GONE = ("ResourceNotFoundException",)
_NAME = matching(r"[a-zA-Z0-9-_]{1,64}", "must match [a-zA-Z0-9-_]+, at most 64 characters")
_LOG_GROUP = matching(r"[0-9A-Za-z_./#-]{1,512}", "only alphanumeric characters and _./#- allowed, at most 512")
_CODE_PROPS = frozenset({"code", "architectures"})
_OTHER_PROPS = frozenset({"reservedConcurrentExecutions", "publish", "skipDestroy"})


def not_yet(refused: AwsRefused) -> bool:
    """Whether Lambda does not yet see a role, a key or a change that has just been made."""
    if refused.code == "ResourceConflictException":
        return "in progress" in refused.message
    return refused.code == "InvalidParameterValueException" and any(
        words in refused.message
        for words in (
            "cannot be assumed by Lambda",
            "execution role does not have permissions",
            "ensure the role can perform",
            "KMS key is invalid for CreateGrant",
        )
    )


class Function(Resource):
    """``aws.lambda_.Function``; its id is its name."""

    spec = Spec(
        "aws:lambda/function:Function",
        props={
            "name": text(_NAME, replaces=True),
            "architectures": texts(one_of("arm64", "x86_64"), computed=True),
            "code": Prop(Kind.ARCHIVE, required=True, write_only=True),
            "description": text(longest(256)),
            "environment": block({"variables": text_map()}),
            "handler": required(text(longest(128))),
            "kmsKeyArn": text(arn),
            "loggingConfig": block(
                {
                    "logFormat": choice("JSON", "Text", required=True),
                    "logGroup": text(_LOG_GROUP, computed=True),
                    "applicationLogLevel": choice("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", computed=True),
                    "systemLogLevel": choice("DEBUG", "INFO", "WARN", computed=True),
                },
                computed=True,
            ),
            "memorySize": integer(128, 10_240, default=128),
            "packageType": choice("Zip", default="Zip", replaces=True),
            "publish": flag(default=False, write_only=True),
            "reservedConcurrentExecutions": integer(-1, default=-1),
            "role": text(arn, required=True),
            "runtime": required(text(matching(r"[a-z0-9.]+", "expected a runtime like python3.13"))),
            "skipDestroy": flag(default=False, write_only=True),
            "timeout": integer(1, 900, default=3),
            "vpcConfig": block({"subnetIds": required(text_set()), "securityGroupIds": required(text_set())}),
        },
        computed={
            "arn": (),
            "invokeArn": (),
            "qualifiedArn": ("publish",),
            "version": ("publish",),
            "lastModified": ("code", "architectures"),
            "codeSha256": ("code",),
            "sourceCodeSize": ("code",),
            CODE_HASH: ("code",),
        },
        autoname=AutoName(longest=64),
        tags=True,
    )

    def validate(self, inputs: Props) -> Iterator[tuple[str, str]]:
        architectures = inputs.get("architectures")
        if isinstance(architectures, list) and len(architectures) > 1:
            yield "architectures", "expected one architecture"
        logging = inputs.get("loggingConfig")
        if isinstance(logging, Mapping) and logging.get("logFormat") == "Text":
            for level in ("applicationLogLevel", "systemLogLevel"):
                if level in logging:
                    yield f"loggingConfig.{level}", "AWS takes log levels with the JSON format only"

    def create(self, aws: Aws, inputs: Props) -> str:
        name: str = inputs["name"]
        code = {"ZipFile": archive.upload(inputs["code"])}
        optional: dict[str, Any] = {
            "Architectures": inputs.get("architectures"),
            "Environment": _environment(inputs),
            "KMSKeyArn": inputs.get("kmsKeyArn"),
            "LoggingConfig": _logging(inputs),
            "VpcConfig": _network(inputs),
            "Tags": inputs["tagsAll"],
        }
        given = {key: value for key, value in optional.items() if value}
        aws.call(
            f"creating lambda.Function ({name})",
            lambda: aws.client("lambda").create_function(
                FunctionName=name,
                Code=code,
                PackageType="Zip",
                Publish=inputs["publish"],
                **self._settings(inputs),
                **given,
            ),
            retry=not_yet,
        )
        return name

    def complete(self, aws: Aws, resource_id: str, inputs: Props) -> None:
        self._wait(aws, resource_id)
        if inputs["reservedConcurrentExecutions"] >= 0:
            self._reserve(aws, resource_id, inputs["reservedConcurrentExecutions"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        client, doing = aws.client("lambda"), f"reading lambda.Function ({resource_id})"
        found = aws.unless_missing(doing, lambda: client.get_function(FunctionName=resource_id), *GONE)
        if found is None:
            return None
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=resource_id)
        latest = aws.call(doing, lambda: [item for page in pages for item in page["Versions"]])[-1]
        has = found["Configuration"]
        function_arn: str = has["FunctionArn"]
        seen = {
            "arn": function_arn,
            "invokeArn": f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{function_arn}/invocations",
            "qualifiedArn": f"{function_arn}:{latest['Version']}",
            "version": latest["Version"],
            "lastModified": has["LastModified"],
            "codeSha256": has["CodeSha256"],
            "sourceCodeSize": has["CodeSize"],
            "name": has["FunctionName"],
            "architectures": has.get("Architectures"),
            "description": has.get("Description"),
            "environment": {"variables": dict(has.get("Environment", {}).get("Variables", {}))},
            "handler": has.get("Handler"),
            "kmsKeyArn": has.get("KMSKeyArn"),
            "loggingConfig": _flat_logging(has.get("LoggingConfig")),
            "memorySize": has["MemorySize"],
            "packageType": has["PackageType"],
            "reservedConcurrentExecutions": found.get("Concurrency", {}).get("ReservedConcurrentExecutions", -1),
            "role": has["Role"],
            "runtime": has.get("Runtime"),
            "timeout": has["Timeout"],
            "vpcConfig": _flat_network(has.get("VpcConfig")),
            "tagsAll": found.get("Tags", {}),
        }
        # What the program gave is hashed once, when it is uploaded; a refresh keeps the hash of that time.
        code = prior.get("code")
        known = prior.get(CODE_HASH)
        seen[CODE_HASH] = known or (archive.hash_of(code) if code is not None else None)
        if not seen["environment"]["variables"]:
            seen["environment"] = None
        return seen

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        client, doing = aws.client("lambda"), f"updating lambda.Function ({resource_id})"
        settings = changed - _CODE_PROPS - _OTHER_PROPS
        if settings:
            extra: dict[str, Any] = {
                "KMSKeyArn": news.get("kmsKeyArn", ""),
                "Environment": _environment(news) or {"Variables": {}},
            }
            if "vpcConfig" in changed:
                extra["VpcConfig"] = _network(news) or {"SubnetIds": [], "SecurityGroupIds": []}
            if "loggingConfig" in news:
                extra["LoggingConfig"] = _logging(news)
            aws.call(
                doing,
                lambda: client.update_function_configuration(FunctionName=resource_id, **self._settings(news), **extra),
                retry=not_yet,
            )
            self._wait(aws, resource_id)
        if changed & _CODE_PROPS:
            code = archive.upload(news["code"])
            chosen = {"Architectures": news["architectures"]} if news.get("architectures") else {}
            aws.call(
                doing,
                lambda: client.update_function_code(FunctionName=resource_id, ZipFile=code, **chosen),
                retry=not_yet,
            )
            self._wait(aws, resource_id)
        if "reservedConcurrentExecutions" in changed:
            self._reserve(aws, resource_id, news["reservedConcurrentExecutions"])
        if news["publish"] and (settings or changed & (_CODE_PROPS | {"publish"})):
            aws.call(doing, lambda: client.publish_version(FunctionName=resource_id), retry=not_yet)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        if state.get("skipDestroy"):
            return
        aws.unless_missing(
            f"deleting lambda.Function ({resource_id})",
            lambda: aws.client("lambda").delete_function(FunctionName=resource_id),
            *GONE,
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        tag_by_arn(aws, state["arn"], put, drop)

    def _settings(self, inputs: Props) -> dict[str, Any]:
        return {
            "Description": inputs.get("description", ""),
            "Handler": inputs["handler"],
            "MemorySize": inputs["memorySize"],
            "Role": inputs["role"],
            "Runtime": inputs["runtime"],
            "Timeout": inputs["timeout"],
        }

    def _reserve(self, aws: Aws, name: str, executions: int) -> None:
        client, doing = aws.client("lambda"), f"setting the concurrency of lambda.Function ({name})"
        if executions < 0:
            aws.call(doing, lambda: client.delete_function_concurrency(FunctionName=name))
        else:
            aws.call(
                doing,
                lambda: client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=executions),
            )

    def _wait(self, aws: Aws, name: str) -> None:
        doing = f"waiting for lambda.Function ({name})"

        def ready() -> bool:
            has: dict[str, Any] = aws.call(
                doing, lambda: aws.client("lambda").get_function_configuration(FunctionName=name)
            )
            return has.get("State") != "Pending" and has.get("LastUpdateStatus") != "InProgress"

        aws.wait(doing, ready)


def tag_by_arn(aws: Aws, resource_arn: str, put: Mapping[str, str], drop: list[str]) -> None:
    """Set and remove tags of anything of Lambda's."""
    client, doing = aws.client("lambda"), f"tagging {resource_arn}"
    if drop:
        aws.call(doing, lambda: client.untag_resource(Resource=resource_arn, TagKeys=drop))
    if put:
        aws.call(doing, lambda: client.tag_resource(Resource=resource_arn, Tags=put))


def _environment(inputs: Props) -> dict[str, Any] | None:
    variables = (inputs.get("environment") or {}).get("variables")
    return {"Variables": dict(variables)} if variables else None


_NETWORK = {"subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds"}


def _network(inputs: Props) -> dict[str, list[str]] | None:
    given = inputs.get("vpcConfig")
    return {wire: given[name] for name, wire in _NETWORK.items()} if given else None


def _flat_network(has: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    return {name: has[wire] for name, wire in _NETWORK.items()} if has and has.get("SubnetIds") else None


_LOGGING = {
    "logFormat": "LogFormat",
    "logGroup": "LogGroup",
    "applicationLogLevel": "ApplicationLogLevel",
    "systemLogLevel": "SystemLogLevel",
}


def _logging(inputs: Props) -> dict[str, str] | None:
    given = inputs.get("loggingConfig")
    return {wire: given[name] for name, wire in _LOGGING.items() if given.get(name)} if given else None


def _flat_logging(has: Mapping[str, str] | None) -> dict[str, str] | None:
    return {name: has[wire] for name, wire in _LOGGING.items() if has.get(wire)} if has else None
