"""Names for resources that the program leaves unnamed.

Source: ``NewUniqueName`` of pulumi/pulumi and ``AutoName`` of pulumi-terraform-bridge. The random digits come from the
engine's seed, so preview and update of one run agree; they are not the digits that the real provider would make.
"""

import hashlib
import secrets

from sandbox.provider.schema import AutoName

RANDOM_DIGITS = 7


def unique_name(auto: AutoName, logical_name: str, seed: bytes) -> str:
    """``<logical name>-<7 hexadecimal digits>``, with the type's prefix where it has one.

    Raises:
        ValueError: the name would be longer than AWS takes.
    """
    lead = f"{logical_name}-"
    if len(lead) + RANDOM_DIGITS > auto.longest:
        raise ValueError(
            f"name '{lead}' plus {RANDOM_DIGITS} random chars is longer than maximum length {auto.longest}"
        )
    digest = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(RANDOM_DIGITS)
    name = lead + digest[:RANDOM_DIGITS]
    return name if name.startswith(auto.prefix) else auto.prefix + name
