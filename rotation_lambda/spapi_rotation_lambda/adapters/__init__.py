"""The ports on AWS, on Amazon and on the log."""
