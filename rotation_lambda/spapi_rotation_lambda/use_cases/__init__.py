"""What a rotation does, step by step, over the ports."""
