"""What Lambda starts. Its start phase has a whole processor; a handler has the share that goes with its memory.

So everything that each invocation needs is made here: the settings, the log, and Secrets Manager's client.
"""

import gc
from contextlib import suppress

gc.disable()  # of what is loaded and made here nothing becomes garbage: looking for it takes a twentieth of the time

from spapi_rotation_lambda import handler as invoked  # noqa: E402
from spapi_rotation_lambda.domain.errors import BadSettings  # noqa: E402

with suppress(BadSettings):  # each invocation tells it
    invoked.function_ports()

gc.enable()

handler = invoked.handler
