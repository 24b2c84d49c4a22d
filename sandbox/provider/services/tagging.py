"""Tags in the form that most AWS services use: a list of keys and values."""

from collections.abc import Iterable, Mapping


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags for a request, sorted by key."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def as_small_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """The same for ECS and Step Functions, which write them in small letters."""
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def as_small_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags of an answer of theirs by key."""
    return {tag["key"]: tag["value"] for tag in tags}


def as_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags of an answer by key."""
    return {tag["Key"]: tag["Value"] for tag in tags}
