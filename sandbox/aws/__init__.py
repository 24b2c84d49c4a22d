"""The AWS emulator: MiniStack in a virtual environment of its own, corrected where AWS's rules differ.

What still differs from AWS, and is therefore not observable here, is listed in ``tests.sandbox.observable``, each with
the test that asserts its definition instead; ``docs/sandbox.md`` shows the list.
"""
