"""The function that is asked, and how a person reaches AWS without it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """Which function, where.

    Attributes:
        function: its name or ARN.
        region: None stands for AWS's own configuration.
        profile: None stands for AWS's own configuration.
        secrets: secret ARNs by application, if a stack's outputs told them.
    """

    function: str
    region: str | None = None
    profile: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)

    def without_the_function(self) -> str:
        """The AWS CLI lines that show labels and log without asking the function. They print no secret."""
        aws = shlex.join(("aws", *self._flags()))
        names = "SecretList[?contains(Name, 'amzn1.application-oa2-client')].Name"
        group = (
            f"{aws} lambda get-function-configuration --function-name {shlex.quote(self.function)} "
            "--query LoggingConfig.LogGroup --output text"
        )
        if len(self.secrets) == 1:
            listing, secret = [], next(iter(self.secrets.values()))
        else:
            listing, secret = [f'{aws} secretsmanager list-secrets --query "{names}" --output text'], "SECRET"
        lines = (
            *listing,
            f"{aws} secretsmanager list-secret-version-ids --secret-id {shlex.quote(secret)}",
            f'{aws} logs tail "$({group})" --since 1h',
        )
        return "\n".join(f"  {line}" for line in lines)

    def _flags(self) -> list[str]:
        found: list[str] = []
        for flag, value in (("--region", self.region), ("--profile", self.profile)):
            if value is not None:
                found += [flag, value]
        return found
