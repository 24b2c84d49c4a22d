"""AWS calls of a run of the sandbox, held against what AWS's own service models say of each value.

boto3 validates types, what is required and the least of a length or number. The patterns, the most of each, and the
enumerations stand in the same models, and AWS refuses what breaks them; the emulator does not.
"""
