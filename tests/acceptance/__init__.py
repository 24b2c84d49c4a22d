"""The acceptance run: the package deployed into a real AWS account, lived with, and destroyed. Amazon is not needed."""
