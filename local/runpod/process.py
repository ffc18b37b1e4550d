"""The stand-in as a process of its own, for tests and measurements."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from local.layout import ROOT
from local.local_secrets import ensure_runpod_api_key
from local.runpod.settings import PREFIX


@dataclass(frozen=True)
class RunningStandIn:
    """Where a stand-in listens, and the key that it asks for."""

    base_url: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What a client has to send."""
        return {"Authorization": f"Bearer {self.key}"}

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "RunningStandIn":
        """The stand-in of the stack around this process."""
        return cls(environ["RUNPOD_BASE_URL"], ensure_runpod_api_key(ROOT / "functions"))

    def control(self, action: str, body: Mapping[str, Any] | None = None) -> Any:
        """Make a control call: `faults`, `settings`, `reset`, or, without a body, `calls`."""
        url = f"{self.base_url.removesuffix('/v2')}/_control/{action}"
        method = "GET" if action == "calls" else "POST"
        with httpx.Client(trust_env=False, headers=self.headers) as client:
            answer = client.request(method, url, json=body or {}, timeout=30)
            answer.raise_for_status()
            return answer.json()


@contextmanager
def running(**settings: float) -> Iterator[RunningStandIn]:
    """Run a stand-in on a free port, with settings by name, until the block ends."""
    # With another first character it could be taken for an option.
    key = "k" + secrets.token_urlsafe(16)
    named = {PREFIX + name.upper(): str(value) for name, value in settings.items()}
    environ = {**os.environ, **named, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "local.runpod", "--key", key]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield RunningStandIn(_address(process), key)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    """Return the address that the first line of the output ends with."""
    assert process.stdout is not None  # noqa: S101
    line = process.stdout.readline()
    return line.split()[-1]
