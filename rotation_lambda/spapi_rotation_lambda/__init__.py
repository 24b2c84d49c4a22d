"""What runs in AWS: the three use cases of a rotation, the adapters they need and the Lambda handler.

This package never imports Pulumi. Function, ``pulumi up`` and command line all use it.
"""

__version__ = "0.1.0"
