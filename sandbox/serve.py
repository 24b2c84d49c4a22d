"""``make sandbox``: deploy into the sandbox and leave it up until Ctrl-C.

``SPAPI_ENDPOINT`` and ``LWA_ENDPOINT`` point the deployment at other servers than the stand-in's.
"""

import json
import os
import signal
import sys
import threading
from datetime import timedelta

from sandbox.aws.emulator import REGION
from sandbox.paths import state_dir
from sandbox.session import Sandbox, new_app
from sandbox.timeline import Timeline


def main() -> int:
    """Serve until a signal comes."""
    show = Timeline()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    show.step("Start the sandbox")
    spapi, lwa = os.environ.get("SPAPI_ENDPOINT"), os.environ.get("LWA_ENDPOINT")
    folder = state_dir() / "live"
    with Sandbox(folder, progress=show.note, spapi_endpoint=spapi, lwa_endpoint=lwa) as box:
        app = new_app("shop")
        show.step("pulumi up")
        box.stack.configure(box.config([app]))
        box.stack.up()
        outputs = box.stack.outputs()
        box.seed(app, outputs["secret_arns"][app.name], age=timedelta(days=10))
        box.amazon.subscribe(app.client_id, outputs["queue_url"])
        endpoints = {
            "aws": box.aws.endpoint,
            "aws_ca_file": str(box.aws.ca_file),
            "lwa": box.lwa_endpoint,
            "spapi": box.spapi_endpoint,
            "amazon_control": f"{box.own_amazon.url}/_control/",
            "region": REGION,
            "outputs": outputs,
        }
        file = state_dir() / "endpoints.json"
        file.write_text(json.dumps(endpoints, indent=2) + "\n")
        show.step(f"Up. Endpoints are in {file.relative_to(state_dir().parents[1])}. Ctrl-C ends it.")
        show.note(f"AWS_ENDPOINT_URL={box.aws.endpoint} AWS_CA_BUNDLE={box.aws.ca_file}")
        show.note("AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=" + REGION)
        stop.wait()
        show.step("Ending")
        file.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
