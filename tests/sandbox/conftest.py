from sandbox.testing import aws, aws_emulator

__all__ = ["aws", "aws_emulator"]
