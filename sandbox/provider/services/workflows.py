"""Step Functions: state machines. Source: ``internal/service/sfn`` of terraform-provider-aws.

With the properties that the component uses; others are unknown and refused.
"""

from collections.abc import Mapping

from sandbox.provider.aws import Aws, says
from sandbox.provider.policy import same_json
from sandbox.provider.resource import Resource
from sandbox.provider.schema import AutoName, Spec, arn, choice, json_text, matching, required, text
from sandbox.provider.services.tagging import as_small_list, as_small_map
from sandbox.provider.values import Props

_GONE = ("StateMachineDoesNotExist",)
_NOT_YET = says("is authorized to assume the provided role", code="AccessDeniedException")


class StateMachine(Resource):
    """``aws.sfn.StateMachine``; its id is its ARN."""

    spec = Spec(
        "aws:sfn/stateMachine:StateMachine",
        props={
            "name": text(
                matching(r"[A-Za-z0-9_-]{1,80}", "the name should only contain 0-9, A-Z, a-z, - and _"), replaces=True
            ),
            "definition": required(json_text(same_json)),
            "roleArn": text(arn, required=True),
            "type": choice("STANDARD", "EXPRESS", default="STANDARD", replaces=True),
        },
        computed={"arn": (), "creationDate": (), "revisionId": ("definition", "roleArn"), "status": ()},
        autoname=AutoName(longest=80),
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        made = aws.call(
            f"creating sfn.StateMachine ({inputs['name']})",
            lambda: aws.client("stepfunctions").create_state_machine(
                name=inputs["name"],
                definition=inputs["definition"],
                roleArn=inputs["roleArn"],
                type=inputs["type"],
                tags=as_small_list(inputs["tagsAll"]),
            ),
            retry=_NOT_YET,
        )
        return str(made["stateMachineArn"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        client, doing = aws.client("stepfunctions"), f"reading sfn.StateMachine ({resource_id})"
        found = aws.unless_missing(doing, lambda: client.describe_state_machine(stateMachineArn=resource_id), *_GONE)
        if found is None:
            return None
        tags = aws.call(doing, lambda: client.list_tags_for_resource(resourceArn=resource_id))
        return {
            "arn": found["stateMachineArn"],
            "name": found["name"],
            "definition": found["definition"],
            "roleArn": found["roleArn"],
            "type": found["type"],
            "creationDate": found["creationDate"].isoformat(),
            "revisionId": found.get("revisionId"),
            "status": found.get("status"),
            "tagsAll": as_small_map(tags.get("tags", [])),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        aws.call(
            f"updating sfn.StateMachine ({resource_id})",
            lambda: aws.client("stepfunctions").update_state_machine(
                stateMachineArn=resource_id, definition=news["definition"], roleArn=news["roleArn"]
            ),
            retry=_NOT_YET,
        )

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting sfn.StateMachine ({resource_id})",
            lambda: aws.client("stepfunctions").delete_state_machine(stateMachineArn=resource_id),
            *_GONE,
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        client, doing = aws.client("stepfunctions"), f"tagging sfn.StateMachine ({resource_id})"
        if drop:
            aws.call(doing, lambda: client.untag_resource(resourceArn=resource_id, tagKeys=drop))
        if put:
            aws.call(doing, lambda: client.tag_resource(resourceArn=resource_id, tags=as_small_list(put)))
