"""A stand-in for the pulumi-aws provider plugin, on boto3 and a loopback AWS endpoint.

It knows exactly the resource types, properties, functions and configuration that this project uses, and refuses
everything else by name. It is used where the real plugin can't be downloaded, and in tests.
Names, defaults, ranges and what forces a replacement follow pulumi-aws 7 (schemas of terraform-provider-aws,
naming rules of pulumi-terraform-bridge).
"""
