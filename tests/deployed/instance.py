"""One instance of a deployed function: the process, its log, its end."""

import json
from pathlib import Path
from typing import Any

import psutil

from tests.chaos.processes import HOST, FunctionProcess
from tests.deployed.interpreter import unprivileged
from tests.deployed.platform_environ import Platform


class Instance:
    """A function started as the buildpack starts it; `close` ends it and all that it started."""

    def __init__(self, platform: Platform, name: str, source: Path, log: Path) -> None:
        # The buildpack's own command; the platform has no reason to name a host.
        command = unprivileged(str(platform.layer / "bin" / "functions-framework"))
        environ = platform.environ(name, source)
        self._log, self.source = log, source
        self._process = FunctionProcess(
            name, environ, log, command=[*command, "--host", HOST], folder=source
        )

    def ready(self) -> "Instance":
        """Return itself once it listens. Raises NotServing."""
        self._process.ready()
        return self

    @property
    def url(self) -> str:
        return self._process.url

    @property
    def processes(self) -> list[psutil.Process]:
        """The server and everything below it."""
        server = psutil.Process(self._process.pid)
        return [server, *server.children(recursive=True)]

    def log_lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def log_entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_lines()]

    def terminate(self) -> None:
        """Ask it to end, as Cloud Run does."""
        self._process.terminate()

    def alive(self) -> int:
        """Return how many of its processes are still there."""
        return self._process.alive()

    def close(self) -> None:
        self._process.kill()
