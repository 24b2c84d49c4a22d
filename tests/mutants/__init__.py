"""``make mutants``: whether the unit tests notice small changes of the modules that decide."""
