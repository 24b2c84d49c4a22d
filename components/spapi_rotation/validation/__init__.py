"""What users give, made sure of: arguments with defaults, or one clear error."""
