"""``python -m sandbox.amazon``: the stand-in as a process. It prints its URL and serves until TERM or INT."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from sandbox.amazon.delivery import SqsSender, SqsTarget, amazons_sqs_client
from sandbox.amazon.records import WorldSettings
from sandbox.amazon.server import AmazonServer


def _arguments() -> argparse.Namespace:
    usual = WorldSettings()
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.amazon",
        description="A stand-in for Login with Amazon and the Selling Partner API, on 127.0.0.1.",
    )
    parser.add_argument("--port", type=int, default=0, help="0: a free one (default)")
    parser.add_argument("--ready-file", type=Path, help="file to write the URL to, once it serves")
    parser.add_argument("--sqs-endpoint", help="SQS endpoint; without it every delivery fails, and says so")
    parser.add_argument("--region", default="us-east-1", help="of the SQS endpoint")
    parser.add_argument("--ca-file", help="certificate to trust for an https SQS endpoint")
    parser.add_argument(
        "--rate-period-seconds", type=float, default=usual.rate_period_seconds, help="between two rotate calls"
    )
    parser.add_argument(
        "--delivery-seconds", type=float, default=usual.delivery_seconds, help="from the event to its message"
    )
    parser.add_argument(
        "--retry-seconds",
        default=",".join(map(str, usual.retry_seconds)),
        help="waits before each further try of a refused message, comma-separated",
    )
    return parser.parse_args()


def _announce(url: str, ready_file: Path | None) -> None:
    print(f"Amazon's stand-in serves LWA and SP-API at {url}", flush=True)
    if ready_file:
        # Renamed into place: a reader never sees half a URL.
        draft = ready_file.with_suffix(".draft")
        draft.write_text(url)
        draft.rename(ready_file)


def main() -> int:
    """Serve until TERM or INT."""
    asked = _arguments()
    settings = WorldSettings(
        rate_period_seconds=asked.rate_period_seconds,
        delivery_seconds=asked.delivery_seconds,
        retry_seconds=tuple(float(part) for part in asked.retry_seconds.split(",") if part),
    )
    sender = None
    if asked.sqs_endpoint:
        sender = SqsSender(amazons_sqs_client(SqsTarget(asked.sqs_endpoint, asked.region, asked.ca_file)))
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    with AmazonServer(settings=settings, sender=sender, port=asked.port) as server:
        _announce(server.url, asked.ready_file)
        done.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
