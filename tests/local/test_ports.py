"""Ports: what the offset moves, and what a busy one says."""

import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from local.firebase_config import emulators_of, shifted_config
from local.ports import (
    BEHIND_THE_FRONT,
    FREE_OFFSETS,
    HOST,
    OffsetInvalid,
    PortBusy,
    Ports,
    claimed,
    claimed_free,
    offset_setting,
    shifted_ports,
)

LISTENER = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(600)
"""


@pytest.fixture
def foreign() -> Iterator[tuple[int, int]]:
    """A process that listens: its number and its port."""
    command = [sys.executable, "-c", LISTENER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        process.kill()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_default_ports_are_those_of_firebase_json() -> None:
    emulators = emulators_of()

    ports = shifted_ports(emulators, 0)

    parts = {name: part for name, part in emulators.items() if isinstance(part, dict)}
    named = {name: part["port"] for name, part in parts.items() if "port" in part}
    assert named.items() <= ports.by_name.items()
    assert named.keys() >= {"auth", "functions", "firestore", "storage", "hosting", "hub"}


def test_offset_shifts_every_port() -> None:
    before, after = (shifted_ports(emulators_of(), offset) for offset in (0, 700))

    assert after.by_name == {name: port + 700 for name, port in before.by_name.items()}


def test_written_configuration_names_every_port_so_that_none_is_searched_for() -> None:
    emulators = emulators_of()
    ports = shifted_ports(emulators, 700)

    written = shifted_config({"emulators": emulators}, ports, with_ui=False)["emulators"]

    ours = {name: port for name, port in ports.by_name.items() if name in written}
    ours["hosting"] = ports[BEHIND_THE_FRONT]
    assert {name: written[name]["port"] for name in ours} == ours
    assert written["firestore"]["websocketPort"] == ports["websocket"]
    assert written.keys() >= {"eventarc", "tasks", "hub", "logging"}
    assert written["ui"]["enabled"] is False


@pytest.mark.parametrize("text", ["", "0", "100", "-100"])
def test_offset_setting_is_a_whole_number(text: str) -> None:
    assert offset_setting({"PORT_OFFSET": text}) == int(text or 0)


def test_offset_that_is_no_number_is_named() -> None:
    with pytest.raises(OffsetInvalid, match="'many'"):
        offset_setting({"PORT_OFFSET": "many"})


@pytest.mark.parametrize("offset", [-4000, 60_000])
def test_offset_out_of_the_range_of_ports_is_refused(offset: int) -> None:
    with pytest.raises(OffsetInvalid, match=str(offset)):
        shifted_ports(emulators_of(), offset)


def test_busy_port_names_its_use_its_process_and_the_way_out(foreign: tuple[int, int]) -> None:
    pid, port = foreign
    ports = Ports(0, {"hosting": port, "runner": free_port()})

    with pytest.raises(PortBusy) as busy, claimed(ports):
        pass

    message = str(busy.value)
    assert f"{port} (hosting)" in message
    assert f"process {pid}" in message
    assert "time.sleep(600)" in message
    assert "PORT_OFFSET=" in message


def test_second_stack_on_the_same_ports_is_refused_before_any_emulator_listens() -> None:
    ports = Ports(0, {"hosting": free_port(), "runner": free_port()})

    with claimed(ports), pytest.raises(PortBusy, match=f"process {os.getpid()}"), claimed(ports):
        pass


def test_claimed_ports_are_free_for_the_emulators_and_free_again_afterwards() -> None:
    ports = Ports(0, {"hosting": free_port(), "runner": free_port()})

    for _ in range(2):
        with claimed(ports), socket.create_server((HOST, ports["hosting"])):
            pass


def test_stacks_on_free_ports_share_none() -> None:
    emulators = emulators_of()

    with claimed_free(emulators) as one, claimed_free(emulators) as other:
        assert not set(one.by_name.values()) & set(other.by_name.values())


def test_no_two_reserved_offsets_share_a_port() -> None:
    stacks = [shifted_ports(emulators_of(), offset) for offset in FREE_OFFSETS]

    for one, other in itertools.combinations(stacks, 2):
        assert not set(one.by_name.values()) & set(other.by_name.values())
