"""``python -m spapi_rotation_cli``."""

import sys

from spapi_rotation_cli.main import main

sys.exit(main())
