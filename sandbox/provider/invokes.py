"""The provider's functions (``aws.get_region()`` and the like)."""

from collections.abc import Callable

from sandbox.provider.aws import Aws
from sandbox.provider.errors import StandInError
from sandbox.provider.values import Props


def invoke(token: str, given: Props, aws: Aws) -> Props:
    """Call a function.

    Raises:
        StandInError: the stand-in does not know the function, or one of its arguments.
    """
    if token not in _FUNCTIONS:
        known = ", ".join(sorted(_FUNCTIONS))
        raise StandInError(f"the stand-in for pulumi-aws does not know the function {token}; it knows {known}")
    function, arguments = _FUNCTIONS[token]
    unknown = sorted(given.keys() - arguments)
    if unknown:
        raise StandInError(f"the stand-in for pulumi-aws does not know the argument {unknown[0]!r} of {token}")
    asked = given.get("region", aws.region)
    if asked != aws.region:
        raise StandInError(
            f"the stand-in for pulumi-aws works in the provider's region {aws.region} only, not in {asked}"
        )
    return function(aws)


def _caller_identity(aws: Aws) -> Props:
    found = aws.identity()
    return {"accountId": found["Account"], "arn": found["Arn"], "id": found["Account"], "userId": found["UserId"]}


def _region(aws: Aws) -> Props:
    return {
        "description": aws.region,
        "endpoint": f"ec2.{aws.region}.amazonaws.com",
        "id": aws.region,
        "name": aws.region,
        "region": aws.region,
    }


def _partition(aws: Aws) -> Props:
    """AWS's commercial partition, the only one that this project works in."""
    return {"dnsSuffix": "amazonaws.com", "id": "aws", "partition": "aws", "reverseDnsPrefix": "com.amazonaws"}


_FUNCTIONS: dict[str, tuple[Callable[[Aws], Props], frozenset[str]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": (_caller_identity, frozenset()),
    "aws:index/getRegion:getRegion": (_region, frozenset({"region"})),
    "aws:index/getPartition:getPartition": (_partition, frozenset()),
}
