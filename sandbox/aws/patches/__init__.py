"""Corrections of MiniStack where it differs from AWS, one module for each service.

They run in MiniStack's process and replace functions of its modules. Each has contract tests in
``tests/sandbox``, which also say when a new MiniStack version no longer fits them.
"""

from sandbox.aws.patches.settings import Settings

__all__ = ["Settings", "apply_all"]


def apply_all(settings: Settings) -> None:
    """Apply every correction. Imports MiniStack, so its environment variables must be set before."""
    from sandbox.aws.patches import (
        ages,
        alarms,
        code,
        crash,
        functions,
        logs,
        metrics,
        native_rotation,
        network,
        queues,
        recording,
        replicas,
        resource_policies,
        rights,
        scheduler,
        secretsmanager,
        topics,
        trail,
        workflows,
    )

    # Metrics come from written log lines only, so "logs", which drops some, and "functions", which checks the right to
    # write, wrap "metrics".
    own = (
        alarms,
        metrics,
        functions,
        network,
        logs,
        queues,
        scheduler,
        secretsmanager,
        native_rotation,
        replicas,
        resource_policies,
        topics,
        code,
        crash,
        ages,
        rights,
        trail,
        workflows,
        recording,
    )
    for module in own:
        module.apply(settings)
