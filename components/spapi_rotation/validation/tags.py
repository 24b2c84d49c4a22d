"""Validates the tags against the limits of every service that gets them, so that a mistake fails the preview."""

import unicodedata
from collections.abc import Mapping
from typing import Any, TypeAlias

import pulumi

from spapi_rotation.validation.inputs import MaybeOutput, is_map, is_output, validated
from spapi_rotation_lambda.domain.errors import BadSettings

Tags: TypeAlias = Mapping[str, pulumi.Input[str]]

TAG_PREFIX = "spapi-rotation"
"""First part of the component's own tag keys."""

AWS_LIMIT = 50
"""Tags of a resource. Source: IAM and CloudWatch Logs API references; KMS, SQS, SNS, Secrets Manager say the same."""

OWN_TAGS = 2
"""The component's own: ``identity`` everywhere, and a secret has ``application`` too."""

MAX_TAGS = AWS_LIMIT - OWN_TAGS
MAX_KEY = 128
MAX_VALUE = 256
"""Source of both: the same pages."""

RESERVED = "aws:"
"""AWS's own prefix, in any case, of keys and values. Source: IAM guide, "Rules for tagging in IAM and AWS STS"."""

_PUNCTUATION = "_.:/=+-@"
_CATEGORIES = "LZN"
"""Letters, spaces and digits of Unicode. Source: the patterns of IAM, Lambda and CloudWatch Logs."""


def validated_tags(value: Any) -> MaybeOutput[Tags]:
    """Validate what is known now, and each value that comes later when it is known."""
    tags = validated(value, validate_tags)
    if isinstance(tags, pulumi.Output):
        return tags
    return {key: _late(text, key) if is_output(text) else text for key, text in tags.items()}


def validate_tags(value: object) -> Tags:
    """Texts by text keys, which every service takes.

    Raises:
        BadSettings: a key or value is something else; the message names the key.
    """
    if not is_map(value):
        raise BadSettings(
            "tags must be a map from texts to texts.", remedy="Give each tag as its key with its value: team: shop."
        )
    if len(value) > MAX_TAGS:
        raise BadSettings(
            f"tags has {len(value)} entries; at most {MAX_TAGS} are possible.",
            remedy=f"AWS takes {AWS_LIMIT} tags for a resource, and {OWN_TAGS} of a secret are the component's own. "
            "The AWS provider's defaultTags count too.",
        )
    spelled: dict[str, str] = {}
    for key, text in value.items():
        _validate_key(key)
        if other := spelled.get(key.casefold()):
            raise BadSettings(
                f"tags.{other} and tags.{key} differ only in upper and lower case.",
                remedy="Keep one of them: to IAM they are the same key.",
            )
        spelled[key.casefold()] = key
        if not is_output(text):
            validate_tag_value(text, key)
    return value


def validate_tag_value(text: object, key: str) -> str:
    """A text that every service takes as the value of a tag.

    Raises:
        BadSettings: naming the tag.
    """
    argument = f"tags.{key}"
    if not isinstance(text, str):
        raise BadSettings(f"{argument} must be a text.", remedy=f"Put the value of {argument} in quotes.")
    if not 1 <= len(text) <= MAX_VALUE:
        raise BadSettings(
            f"{argument} has {len(text)} characters; 1 to {MAX_VALUE} are possible.",
            remedy="Shorten it, or leave an empty tag out: EventBridge Scheduler takes no empty value.",
        )
    _validate_characters(text, argument)
    return text


def _validate_key(key: object) -> None:
    if not isinstance(key, str) or not key:
        raise BadSettings("A key in tags is not a text, or is empty.", remedy="Put numbers and booleans in quotes.")
    if len(key) > MAX_KEY:
        raise BadSettings(
            f"A key in tags has {len(key)} characters; at most {MAX_KEY} are possible: {key[:20]}….",
            remedy="Shorten it.",
        )
    _validate_characters(key, f"The key {key} in tags")
    own = f"{TAG_PREFIX}:"
    if key.casefold().startswith(own) and not key.startswith(own):
        raise BadSettings(
            f"The key {key} in tags begins with the component's own prefix, but for upper and lower case.",
            remedy="Begin it with another text: to IAM two such keys may be the same.",
        )


def _validate_characters(text: str, what: str) -> None:
    if text.casefold().startswith(RESERVED):
        raise BadSettings(f"{what} begins with AWS's own prefix {RESERVED}", remedy="Begin it with another text.")
    wrong = [each for each in text if each not in _PUNCTUATION and unicodedata.category(each)[0] not in _CATEGORIES]
    if wrong:
        raise BadSettings(
            f"{what} holds a character that not every AWS service takes in a tag: {wrong[0]!r}.",
            remedy=f"Use letters, digits, spaces and {_PUNCTUATION}",
        )


def _late(text: Any, key: str) -> pulumi.Output[str]:
    late = validated(text, lambda known: validate_tag_value(known, key))
    return pulumi.Output.from_input(late)
