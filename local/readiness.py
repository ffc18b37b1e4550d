"""When a started stack may be used: real requests succeed."""

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from local.auth_emulator import AuthEmulatorError
from local.ports import HOST, Ports

_RETRY_S = 0.3
# The first request of a function starts a Python process; a worker that fails to start answers
# nothing at all, so that a new attempt must not wait for it for long.
_REQUEST_TIMEOUT_S = 15.0


class NotReady(Exception):
    """The stack did not come up in time; the text is the last thing seen."""


@dataclass(frozen=True)
class Check:
    """One request that has to answer 200 with a JSON body of status `success`."""

    path: str
    signed_in: bool


CHECKS = (Check("/api/health", signed_in=False), Check("/api/voices", signed_in=True))


def wait_for_ports(
    ports: Ports,
    names: Sequence[str],
    keep_waiting: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    """Say of each emulator when it listens. Raises NotReady when `keep_waiting` says no."""
    missing = list(names)
    while missing:
        for name in [name for name in missing if _listens(ports[name])]:
            missing.remove(name)
            say(f"{name} listens on {ports.address(name)}")
        if missing and not keep_waiting():
            message = f"Not listening: {', '.join(missing)}"
            raise NotReady(message)
        time.sleep(_RETRY_S)


def wait_until_ready(
    site_url: str,
    checks: Sequence[Check],
    id_token: Callable[[], str],
    keep_waiting: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    """Repeat each check until it passes. Raises NotReady when `keep_waiting` says no."""
    with httpx.Client(base_url=site_url, timeout=_REQUEST_TIMEOUT_S, trust_env=False) as client:
        for check in checks:
            while reason := _failure(client, check, id_token):
                if not keep_waiting():
                    message = f"GET {site_url}{check.path}: {reason}"
                    raise NotReady(message)
                time.sleep(_RETRY_S)
            say(f"GET {check.path} answers")


def _failure(client: httpx.Client, check: Check, id_token: Callable[[], str]) -> str | None:
    """Send the check once; None when it passed, else what came instead."""
    try:
        headers = {"Authorization": f"Bearer {id_token()}"} if check.signed_in else {}
        answer = client.get(check.path, headers=headers)
        passed = answer.status_code == httpx.codes.OK and answer.json()["status"] == "success"
    except (AuthEmulatorError, httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        return f"{type(error).__name__} {error}".strip()
    return None if passed else f"{answer.status_code} {answer.text[:300]}"


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False
