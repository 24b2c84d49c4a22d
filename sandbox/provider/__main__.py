"""``python -m sandbox.provider``."""

from sandbox.provider.main import main

main()
