"""Starts MiniStack with the sandbox's corrections. Runs as a script, inside MiniStack's own virtual
environment.

Told by environment variables: MiniStack's own (account, region, certificate), those of ``patches.settings``,
and ``SANDBOX_PORT_FILE``, where it writes the port that it listens on.
"""

import asyncio
import os
import socket
import sys
from pathlib import Path


def main() -> None:
    """Listen on a free loopback port and serve until ended."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    port_file = Path(os.environ.pop("SANDBOX_PORT_FILE"))
    # MiniStack reads its settings while it is imported, so the port must be known by then.
    os.environ["GATEWAY_PORT"] = str(port)
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

    from sandbox.aws import patches

    patches.apply_all(patches.Settings.from_environment(os.environ))

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.certfile = os.environ["MINISTACK_SSL_CERT"]
    config.keyfile = os.environ["MINISTACK_SSL_KEY"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    unfinished = port_file.with_suffix(".new")
    unfinished.write_text(str(port))
    unfinished.rename(port_file)
    asyncio.run(serve(app.app, config, shutdown_trigger=_never))


async def _never() -> None:
    """A shutdown trigger makes Hypercorn leave the signals alone, so that TERM ends the process at once."""
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
