"""``python -m tests.engine.fault_scenarios``: see ``suite``."""

import sys

from tests.engine.fault_scenarios.suite import main

sys.exit(main(sys.argv[1:]))
