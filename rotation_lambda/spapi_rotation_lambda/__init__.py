"""What runs in AWS: the use cases of a rotation, the adapters they need and the Lambda handler.

This package never imports Pulumi. The function and ``pulumi up`` both run it; the command line asks the function.
"""

__version__ = "0.1.0"
