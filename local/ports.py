"""The ports of one stack: those of firebase.json shifted by an offset, free, and taken once."""

import errno
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil

HOST = "127.0.0.1"
# Ports that firebase-tools uses without firebase.json naming them. It would look for free ones by
# itself, and two stacks that start together would find the same.
_UNNAMED = {"ui": 4000, "eventarc": 9299, "tasks": 9499, "websocket": 9150}
# The Hosting emulator's own: on the port that firebase.json gives it listens the front
# (`local/front.mjs`), and nobody needs to know this one.
BEHIND_THE_FRONT = "hosting behind the front"
# Of what the runner adds to firebase-tools; `runpod` is the stand-in for RunPod.
_ADDED = {"runpod": 4600, BEHIND_THE_FRONT: 5100}
# Bound by the runner itself as long as the stack lives, so that two stacks that start at the same
# time cannot both find the same ports free.
_GUARD = 4300
_GUARD_NAME = "runner"
# 16 stacks at once whose ports never meet: the default ports differ by 1 or by at least 49, these
# by 3 to 45. Below 10,000 are the default ports of others and, from 8081 on, of the Functions
# emulator's workers; from 32,768 on the system hands out ports by itself.
FREE_OFFSETS = range(6000, 6048, 3)


class OffsetInvalid(Exception):
    """PORT_OFFSET is not a number that leaves every port in range."""


class PortBusy(Exception):
    """A port that the stack needs is held by another process; the text names both."""


@dataclass(frozen=True)
class Ports:
    """The port of each part of one stack, by the part's name in firebase.json."""

    offset: int
    by_name: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        """The port of one part."""
        return self.by_name[name]

    def address(self, name: str) -> str:
        """`host:port` of one part."""
        return f"{HOST}:{self[name]}"


def shifted_ports(emulators: Mapping[str, object], offset: int) -> Ports:
    """Every port of `emulators` (of firebase.json) and of what it does not name, plus the offset.

    Raises OffsetInvalid.
    """
    defaults = _UNNAMED | _ADDED | {_GUARD_NAME: _GUARD}
    for name, settings in emulators.items():
        if isinstance(settings, Mapping) and "port" in settings:
            defaults[name] = int(settings["port"])
    ports = {name: port + offset for name, port in defaults.items()}
    if min(ports.values()) < 1024 or max(ports.values()) > 65535:
        message = f"PORT_OFFSET={offset} moves ports out of 1024 to 65535."
        raise OffsetInvalid(message)
    return Ports(offset, ports)


def offset_setting(environ: Mapping[str, str]) -> int:
    """The developer's PORT_OFFSET, 0 when it is not set. Raises OffsetInvalid."""
    text = environ.get("PORT_OFFSET") or "0"
    try:
        return int(text)
    except ValueError:
        message = f"PORT_OFFSET must be a whole number; it is {text!r}."
        raise OffsetInvalid(message) from None


@contextmanager
def claimed(ports: Ports) -> Iterator[Ports]:
    """Hold the ports against other stacks of this machine while the block runs.

    Raises PortBusy when some of them are in use.
    """
    with socket.socket() as guard:
        free = _bind(guard, ports[_GUARD_NAME])
        busy = [name for name in ports.by_name if name != _GUARD_NAME and not _is_free(ports[name])]
        if busy or not free:
            raise PortBusy(_busy_message(ports, busy or [_GUARD_NAME]))
        guard.listen()
        yield ports


@contextmanager
def claimed_free(emulators: Mapping[str, object]) -> Iterator[Ports]:
    """Like `claimed`, with the first of the reserved offsets whose ports are all free."""
    with ExitStack() as claim:
        for offset in FREE_OFFSETS:
            try:
                ports = claim.enter_context(claimed(shifted_ports(emulators, offset)))
            except PortBusy as busy:
                last = busy
            else:
                break
        else:
            raise last
        yield ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return _bind(probe, port)


def _bind(listener: socket.socket, port: int) -> bool:
    # As the emulators do it: a port whose last connections still fade out counts as free.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        return False
    return True


def _busy_message(ports: Ports, names: list[str]) -> str:
    by_holder: dict[str, list[str]] = {}
    for name in names:
        by_holder.setdefault(holder(ports[name]), []).append(f"{ports[name]} ({name})")
    lines = [f"Port {', '.join(busy)} in use by {who}" for who, busy in by_holder.items()]
    other = 20_000 if ports.offset == 10_000 else 10_000
    lines.append(f"End that process, or move all ports of this stack: PORT_OFFSET={other}")
    return "\n".join(lines)


def holder(port: int) -> str:
    """The process that listens on the port, for people: number and command line."""
    for process in psutil.process_iter():
        try:
            connections = process.net_connections(kind="inet")
            if any(_listens(connection, port) for connection in connections):
                return f"process {process.pid}: {' '.join(process.cmdline())}"
        except psutil.Error:
            continue
    return "a process of another user"


def _listens(connection: object, port: int) -> bool:
    address = getattr(connection, "laddr", None)
    listening = getattr(connection, "status", None) == psutil.CONN_LISTEN
    return bool(listening and address and address.port == port)
