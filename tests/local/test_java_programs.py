"""Where the emulators' Java programs come from, in which order, and what is said without them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.java_programs import JavaProgramMissing, JavaPrograms, locate

# The probe gives up after 5 s; the rest is for a busy machine.
NOTICED_WITHIN_S = 8
# A source file this small stands for the SDK's jar: it makes the class path, nothing starts it.
CONTENT = b"jar of a program"


@dataclass
class Machine:
    """A machine of the test's own making: its home, its firebase-tools and its PATH."""

    root: Path
    said: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with firebase-tools installed, its download unreachable and nothing else."""
        self.environ |= {"HOME": str(self.root / "home"), "PATH": str(self.root / "bin")}
        (self.root / "bin").mkdir()
        self.set_remote("http://127.0.0.1:9")  # Nothing listens on the discard port.

    @property
    def cache(self) -> Path:
        """firebase-tools' cache in this machine's home."""
        return self.root / "home/.cache/firebase/emulators"

    @property
    def build_folder(self) -> Path:
        """Where programs are built."""
        return self.root / "build"

    def set_remote(self, base: str) -> None:
        """Let firebase-tools expect its downloads at `base`."""
        details = {
            name: {
                "expectedSize": len(CONTENT),
                "remoteUrl": f"{base}/{name}-v1.jar",
                "downloadPathRelativeToCacheDir": f"{name}-v1.jar",
            }
            for name in ("firestore", "storage")
        }
        ui = {"remoteUrl": f"{base}/ui.zip", "binaryPathRelativeToCacheDir": "ui/server.mjs"}
        info = {**details, "ui": {"main": ui}}
        folder = self.root / "node_modules/firebase-tools/lib/emulator"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "downloadableEmulatorInfo.json").write_text(json.dumps(info))

    def set_firebase_command(self, script: str) -> None:
        """Install a `firebase` that runs `script`, a program of the shell."""
        write_command(self.root / "node_modules/.bin/firebase", script)

    def install_sdk(self) -> Path:
        """Install a Google Cloud SDK, and return its Firestore emulator's jar."""
        sdk = self.root / "a cloud sdk with a long name, and characters that a URL escapes (ü%)"
        jar = sdk / "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
        jar.parent.mkdir(parents=True)
        jar.write_bytes(CONTENT)
        write_command(sdk / "bin/gcloud", "exit 0")
        (self.root / "bin/gcloud").symlink_to(sdk / "bin/gcloud")
        return jar

    def install_jdk(self, version: str = "17.0.1") -> None:
        """Install a `javac` that compiles everything into one class, and notes each run."""
        write_command(
            self.root / "bin/javac",
            f'if [ "$1" = -version ]; then echo "javac {version}"; exit; fi\n'
            f'echo run >> "{self.root}/javac-runs"\n'
            'while [ "$1" != -d ]; do shift; done\n'
            'echo compiled > "$2/StorageRulesRuntime.class"',
        )

    def javac_runs(self) -> int:
        """How often something was compiled."""
        runs = self.root / "javac-runs"
        return len(runs.read_text().splitlines()) if runs.exists() else 0

    def locate(self) -> JavaPrograms:
        """Ask the code under test."""
        return locate(self.build_folder, self.environ, self.said.append, self.root / "node_modules")


def write_command(path: Path, script: str) -> None:
    """Write a program of the shell that needs nothing from the test's PATH."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nPATH=/bin:/usr/bin\n{script}\n")
    path.chmod(0o755)


def put(path: Path, content: bytes = CONTENT) -> Path:
    """Write a file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with firebase-tools and no program at all."""
    return Machine(tmp_path)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def serving_port() -> Iterator[int]:
    """A port on which every file is to be had."""
    program = (
        "import http.server as h\n"
        "class Handler(h.BaseHTTPRequestHandler):\n"
        "    def do_HEAD(self):\n"
        "        self.send_response(200)\n"
        "        self.end_headers()\n"
        "server = h.HTTPServer(('127.0.0.1', 0), Handler)\n"
        "print(server.server_port, flush=True)\n"
        "server.serve_forever()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


def test_a_named_file_goes_before_everything_else(machine: Machine) -> None:
    put(machine.cache / "firestore-v1.jar")
    named = put(machine.root / "mine/firestore.jar", b"whatever I like")
    rules = put(machine.root / "mine/rules.jar", b"whatever I like")
    machine.environ["FIRESTORE_EMULATOR_BINARY_PATH"] = str(named)
    machine.environ["STORAGE_EMULATOR_BINARY_PATH"] = str(rules)
    found = machine.locate()
    assert (found.firestore, found.storage_rules) == (named, rules)


def test_a_named_file_that_does_not_exist_is_an_error_and_not_passed_over(machine: Machine) -> None:
    put(machine.cache / "firestore-v1.jar")
    machine.environ["FIRESTORE_EMULATOR_BINARY_PATH"] = "/nowhere/firestore.jar"
    with pytest.raises(JavaProgramMissing) as missing:
        machine.locate()
    assert "FIRESTORE_EMULATOR_BINARY_PATH names /nowhere/firestore.jar" in str(missing.value)


def test_the_cache_of_firebase_tools_goes_before_the_sdk(machine: Machine) -> None:
    machine.install_sdk()
    machine.install_jdk()
    firestore = put(machine.cache / "firestore-v1.jar")
    rules = put(machine.cache / "storage-v1.jar")
    found = machine.locate()
    assert (found.firestore, found.storage_rules) == (firestore, rules)
    assert not found.emulator_ui
    assert machine.javac_runs() == 0


def test_the_cache_may_be_elsewhere(machine: Machine) -> None:
    machine.environ["FIREBASE_EMULATORS_PATH"] = str(machine.root / "elsewhere")
    firestore = put(machine.root / "elsewhere/firestore-v1.jar")
    put(machine.root / "elsewhere/storage-v1.jar")
    put(machine.root / "elsewhere/ui/server.mjs")
    found = machine.locate()
    assert found.firestore == firestore
    assert found.emulator_ui


def test_a_cached_file_that_was_cut_off_is_not_used(machine: Machine) -> None:
    machine.install_sdk()
    machine.install_jdk()
    put(machine.cache / "firestore-v1.jar", CONTENT[:-1])
    assert machine.locate().firestore.parent == machine.build_folder


def test_a_reachable_download_goes_before_the_sdk_and_brings_the_ui(
    machine: Machine, serving_port: int
) -> None:
    machine.install_sdk()
    machine.install_jdk()
    machine.set_remote(f"http://127.0.0.1:{serving_port}")
    machine.set_firebase_command(
        'cd "$FIREBASE_EMULATORS_PATH" 2>/dev/null || '
        '{ mkdir -p "$FIREBASE_EMULATORS_PATH" && cd "$FIREBASE_EMULATORS_PATH"; }\n'
        'name="${1##*:}"\n'
        'if [ "$name" = ui ]; then mkdir -p ui && touch ui/server.mjs; exit; fi\n'
        f'printf "{CONTENT.decode()}" > "$name-v1.jar"'
    )
    found = machine.locate()
    assert found.firestore == machine.cache / "firestore-v1.jar"
    assert found.storage_rules == machine.cache / "storage-v1.jar"
    assert found.emulator_ui
    assert any("Downloading the Firestore emulator" in line for line in machine.said)


@pytest.mark.parametrize("script", ["exit 2", "exit 0"], ids=["fails", "leaves no file"])
def test_a_download_that_comes_to_nothing_gives_way_to_the_sdk(
    machine: Machine, serving_port: int, script: str
) -> None:
    machine.install_sdk()
    machine.install_jdk()
    machine.set_remote(f"http://127.0.0.1:{serving_port}")
    machine.set_firebase_command(script)
    assert machine.locate().firestore.parent == machine.build_folder


@pytest.mark.parametrize(
    "remote",
    [
        "http://127.0.0.1:9",
        "http://host.invalid",
        "http://127.0.0.1:{silent}",
        "https://127.0.0.1:{silent}",
    ],
    ids=["refused", "unknown name", "blackhole", "blackhole with TLS"],
)
def test_an_unreachable_download_is_noticed_within_seconds(
    machine: Machine, silent_port: int, remote: str
) -> None:
    machine.set_remote(remote.format(silent=silent_port))
    machine.set_firebase_command(f'touch "{machine.root}/was-started"')
    machine.install_sdk()
    machine.install_jdk()
    started_at = time.monotonic()
    machine.locate()
    assert time.monotonic() - started_at < NOTICED_WITHIN_S
    assert not (machine.root / "was-started").exists()


def test_the_sdk_gives_both_programs(machine: Machine) -> None:
    emulator = machine.install_sdk()
    machine.install_jdk()
    found = machine.locate()
    firestore = manifest(found.firestore)
    rules = manifest(found.storage_rules)
    assert firestore["Main-Class"] == "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    assert rules["Main-Class"] == "StorageRulesRuntime"
    assert firestore["Class-Path"] == rules["Class-Path"] == emulator.as_uri()
    with zipfile.ZipFile(found.storage_rules) as archive:
        assert archive.read("StorageRulesRuntime.class") == b"compiled\n"


def manifest(jar: Path) -> dict[str, str]:
    """Read a jar's manifest as Java does, and hold its lines against the format's limit."""
    with zipfile.ZipFile(jar) as archive:
        content = archive.read("META-INF/MANIFEST.MF")
    assert content.endswith(b"\r\n\r\n")
    lines = content.split(b"\r\n")
    assert max(len(line) + 2 for line in lines) <= 72
    joined = content.replace(b"\r\n ", b"").decode("ascii").strip()
    return dict(line.split(": ", 1) for line in joined.split("\r\n"))


def test_the_rules_runtime_is_compiled_once_until_the_sdk_changes(machine: Machine) -> None:
    emulator = machine.install_sdk()
    machine.install_jdk()
    machine.locate()
    machine.locate()
    assert machine.javac_runs() == 1
    put(emulator, b"the jar of another release")
    machine.locate()
    assert machine.javac_runs() == 2


def test_a_damaged_build_is_built_again(machine: Machine) -> None:
    machine.install_sdk()
    machine.install_jdk()
    found = machine.locate()
    put(found.storage_rules, b"not a zip")
    put(found.firestore, b"not a zip")
    again = machine.locate()
    assert manifest(again.storage_rules)["Main-Class"] == "StorageRulesRuntime"
    assert manifest(again.firestore)["Class-Path"]


def test_several_may_build_at_once_and_leave_nothing_behind(machine: Machine) -> None:
    machine.install_sdk()
    machine.install_jdk()
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: machine.locate(), range(8)))
    assert len(found) == 1
    left = {path.name for path in machine.build_folder.iterdir()}
    assert left == {
        found_path.name for one in found for found_path in (one.firestore, one.storage_rules)
    }


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda _: None, "gcloud is not on the PATH"),
        (lambda machine: machine.install_sdk().unlink(), "lacks the component"),
    ],
    ids=["no SDK", "no component"],
)
def test_nothing_anywhere_is_one_message_with_all_three_ways_out(
    machine: Machine, prepare: object, reason: str
) -> None:
    assert callable(prepare)
    prepare(machine)
    with pytest.raises(JavaProgramMissing) as missing:
        machine.locate()
    message = str(missing.value)
    assert "Firestore emulator (firestore-v1.jar) is missing" in message
    assert reason in message
    assert "set FIRESTORE_EMULATOR_BINARY_PATH" in message
    assert "firebase setup:emulators:firestore" in message
    assert "component cloud-firestore-emulator, and a JDK 17 or newer" in message


@pytest.mark.parametrize("version", [None, "11.0.2", "1.8.0_392"], ids=str)
def test_without_a_jdk_the_message_names_the_rules_runtime(
    machine: Machine, version: str | None
) -> None:
    machine.install_sdk()
    if version:
        machine.install_jdk(version)
    with pytest.raises(JavaProgramMissing) as missing:
        machine.locate()
    assert "Storage rules runtime (storage-v1.jar) is missing" in str(missing.value)
    assert "no JDK 17 or newer" in str(missing.value)


def test_a_compiler_that_refuses_is_quoted(machine: Machine) -> None:
    machine.install_sdk()
    write_command(
        machine.root / "bin/javac",
        'if [ "$1" = -version ]; then echo "javac 21"; exit; fi\n'
        'echo "cannot find symbol" >&2; exit 1',
    )
    with pytest.raises(JavaProgramMissing, match="cannot find symbol"):
        machine.locate()


def test_the_jdk_of_java_home_goes_before_the_path(machine: Machine) -> None:
    machine.install_sdk()
    machine.install_jdk("11.0.2")
    shutil.copytree(machine.root / "bin", machine.root / "jdk/bin", symlinks=True)
    machine.environ["JAVA_HOME"] = str(machine.root / "jdk")
    machine.install_jdk("21.0.1")
    assert machine.locate().storage_rules.parent == machine.build_folder


def test_without_firebase_tools_the_message_says_so(machine: Machine) -> None:
    shutil.rmtree(machine.root / "node_modules")
    with pytest.raises(JavaProgramMissing, match="firebase-tools is not installed"):
        machine.locate()


def test_the_environment_makes_firebase_tools_use_what_was_found(machine: Machine) -> None:
    machine.install_sdk()
    machine.install_jdk()
    found = machine.locate()
    environment = found.environment()
    assert environment["PATH"].split(os.pathsep)[0] == str(found.java.parent)
    assert environment["FIRESTORE_EMULATOR_BINARY_PATH"] == str(found.firestore)
    assert environment["STORAGE_EMULATOR_BINARY_PATH"] == str(found.storage_rules)
    version = subprocess.run(
        ["java", "-version"], env=environment, capture_output=True, text=True, check=True
    ).stderr
    assert int(version.split('"')[1].split(".")[0]) >= 21
