"""The resource types, one module per AWS service or a part of it."""
