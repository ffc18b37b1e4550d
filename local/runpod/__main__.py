"""Run the stand-in until SIGTERM, or until its parent ends: `python -m local.runpod --port N`.

The port 0 stands for any that is free. The first line of the output names the address.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from local.layout import ROOT
from local.local_secrets import ensure_runpod_api_key
from local.ports import HOST
from local.runpod.server import StandIn
from local.runpod.settings import SettingInvalid, Settings

# A lost parent is noticed within half a second; more often costs CPU for nothing.
_PARENT_POLL_S = 0.4
_SHUTDOWN_S = 0.5


def main(arguments: Sequence[str]) -> int:
    """Serve; 1 with one clear message when that is not possible."""
    parent_pid = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m local.runpod", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", help="what clients carry; else that of functions/.secret.local")
    options = parser.parse_args(arguments)
    key = options.key or ensure_runpod_api_key(ROOT / "functions")
    try:
        settings = Settings.read(os.environ)
        listener = socket.create_server((HOST, options.port))
    except (SettingInvalid, OSError) as problem:
        print(f"The stand-in for RunPod cannot start: {problem}", file=sys.stderr)
        return 1
    base_url = f"http://{HOST}:{listener.getsockname()[1]}"
    print(f"Stand-in for RunPod, for local work only, at {base_url}/v2", flush=True)
    app = StandIn(key, base_url, settings).application()
    app.cleanup_ctx.append(lambda _: _ends_with(parent_pid))
    web.run_app(app, sock=listener, print=None, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    return 0


async def _ends_with(parent_pid: int) -> AsyncIterator[None]:
    """End this process when it has lost its parent."""

    async def watch() -> None:
        while os.getppid() == parent_pid:
            await asyncio.sleep(_PARENT_POLL_S)
        os.kill(os.getpid(), signal.SIGTERM)

    task = asyncio.create_task(watch())
    yield
    task.cancel()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
