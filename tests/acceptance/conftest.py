from tests.sandbox.aws_support import aws, aws_emulator

__all__ = ["aws", "aws_emulator"]
