"""Two empty, protected components that stop a `destroy` before it has deleted anything.

A protected resource alone does not: Pulumi deletes what depends on it, and what is beside it, before it gets there.
What a guard depends on can only be deleted after the guard.
"""

from collections.abc import Collection

import pulumi

from spapi_rotation.scope import Scope

TYPE_TOKEN = "spapi-rotation:index:DeletionGuard"  # noqa: S105


class DeletionGuard(pulumi.ComponentResource):
    """Holds what it depends on, while it is protected."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        """Declare it; there is nothing in it."""
        super().__init__(TYPE_TOKEN, name, None, opts)
        self.register_outputs({})


def create_guards(
    scope: Scope, *, children: Collection[pulumi.Resource], triggers: Collection[pulumi.Resource]
) -> None:
    """Declare the guards, protected as the scope says.

    Both are always there, whatever they depend on: a protected resource cannot leave the program. The triggers have
    their own, because a rotation that is declined must not keep the first guard from coming into being.

    Args:
        children: every resource of the component except the triggers.
        triggers: the rotations during ``pulumi up``. One that is lost would rotate again.
    """
    for name, guarded in (("guard", children), ("triggers-guard", triggers)):
        DeletionGuard(f"{scope.name}-{name}", scope.options(protected=True, depends_on=list(guarded)))
