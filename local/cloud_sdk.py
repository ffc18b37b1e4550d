"""The emulators' Java programs made from an installed Google Cloud SDK.

The SDK ships the Firestore emulator without a main class in its manifest, and no Storage rules
runtime at all; but the same jar holds the rules engine. So a jar of nothing but a manifest starts
the emulator, and `local/rules_runtime` is compiled into the rules runtime.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from local.program_source import FIRESTORE, Program, SourceUnavailable

RULES_RUNTIME_SOURCES = Path(__file__).parent / "rules_runtime"
OLDEST_JDK = 17
# The jar format allows 72 bytes a line; the JDK's own tool counts the line break among them.
MANIFEST_LINE_BYTES = 70
# Compiling takes about 3 s on two cores.
COMPILE_DEADLINE_S = 120


class CloudSdk:
    """Makes the two programs from the SDK's Firestore emulator, each only when it has changed."""

    def __init__(self, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Remember where to look; nothing is searched before the first question."""
        self._environ = environ
        self._say = say

    def make(self, program: Program, build_folder: Path) -> Path:
        """Return the program's jar in `build_folder`, building it where it is absent or old.

        Raises SourceUnavailable where the SDK, its emulator or the JDK is missing. Several
        processes may do this at once: each builds under a name of its own and moves the result
        into place, so that nobody ever starts half a jar.
        """
        emulator = self._emulator()
        build_folder.mkdir(parents=True, exist_ok=True)
        if program == FIRESTORE:
            return _wrap_emulator(emulator, build_folder)
        return self._build_rules_runtime(emulator, build_folder)

    def _emulator(self) -> Path:
        gcloud = shutil.which("gcloud", path=self._environ.get("PATH", os.defpath))
        if gcloud is None:
            raise SourceUnavailable("no Google Cloud SDK (gcloud is not on the PATH)")
        root = Path(gcloud).resolve().parents[1]
        jar = root / "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
        if not jar.is_file():
            raise SourceUnavailable(
                f"the Google Cloud SDK in {root} lacks the component cloud-firestore-emulator"
            )
        return jar

    def _build_rules_runtime(self, emulator: Path, build_folder: Path) -> Path:
        sources = sorted(RULES_RUNTIME_SOURCES.glob("*.java"))
        manifest = _manifest(
            {
                "Main-Class": "StorageRulesRuntime",
                "Class-Path": emulator.as_uri(),
                "Built-From": _fingerprint(sources, emulator),
            }
        )
        jar = build_folder / "storage-rules-runtime.jar"
        if not _holds_manifest(jar, manifest):
            javac = self._find_javac()
            self._say("Compiling the Storage rules runtime for the Google Cloud SDK's engine")
            with tempfile.TemporaryDirectory(dir=build_folder) as classes:
                _compile(javac, sources, emulator, Path(classes))
                _write_jar(jar, manifest, Path(classes))
        return jar

    def _find_javac(self) -> Path:
        for javac in self._javac_candidates():
            answer = subprocess.run(
                [str(javac), "-version"], capture_output=True, text=True, timeout=30, check=False
            )
            # JDK 8 wrote the version to stderr, and called itself 1.8.
            version = re.search(r"javac (\d+)", answer.stdout + answer.stderr)
            if version and int(version[1]) >= OLDEST_JDK:
                return javac
        raise SourceUnavailable(
            f"the Google Cloud SDK is there, but no JDK {OLDEST_JDK} or newer "
            "(javac, by JAVA_HOME or on the PATH) to compile the rules runtime"
        )

    def _javac_candidates(self) -> Iterator[Path]:
        folders = [self._environ.get("PATH", os.defpath)]
        if home := self._environ.get("JAVA_HOME"):
            folders.insert(0, str(Path(home) / "bin"))
        for path in folders:
            if javac := shutil.which("javac", path=path):
                yield Path(javac)


def _wrap_emulator(emulator: Path, build_folder: Path) -> Path:
    manifest = _manifest(
        {
            "Main-Class": "com.google.cloud.datastore.emulator.firestore.CloudFirestore",
            "Class-Path": emulator.as_uri(),
        }
    )
    jar = build_folder / "firestore-emulator.jar"
    if not _holds_manifest(jar, manifest):
        _write_jar(jar, manifest, None)
    return jar


def _compile(javac: Path, sources: list[Path], emulator: Path, classes: Path) -> None:
    command = [str(javac), "-proc:none", "--release", str(OLDEST_JDK), "-nowarn"]
    command += ["-cp", str(emulator), "-d", str(classes), *map(str, sources)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMPILE_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise SourceUnavailable(f"javac was not done within {COMPILE_DEADLINE_S} s") from None
    if done.returncode != 0:
        raise SourceUnavailable(f"javac refused the rules runtime:\n{done.stderr[-2000:]}")


def _fingerprint(sources: list[Path], emulator: Path) -> str:
    """Return a digest that changes with the sources and with the SDK's jar.

    The jar of 53 MB counts by size and time: reading it whole would cost more than it tells.
    """
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    stat = emulator.stat()
    digest.update(f"{stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def _manifest(attributes: Mapping[str, str]) -> bytes:
    """Return a jar's manifest; the values must be ASCII, as URLs are."""
    lines: list[str] = []
    for name, value in {"Manifest-Version": "1.0", **attributes}.items():
        rest = f"{name}: {value}"
        lines.append(rest[:MANIFEST_LINE_BYTES])
        rest = rest[MANIFEST_LINE_BYTES:]
        while rest:
            # A line that begins with a space continues the one before.
            lines.append(" " + rest[: MANIFEST_LINE_BYTES - 1])
            rest = rest[MANIFEST_LINE_BYTES - 1 :]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _holds_manifest(jar: Path, manifest: bytes) -> bool:
    try:
        with zipfile.ZipFile(jar) as archive:
            return archive.read("META-INF/MANIFEST.MF") == manifest
    except (FileNotFoundError, KeyError, zipfile.BadZipFile):
        return False


def _write_jar(jar: Path, manifest: bytes, classes: Path | None) -> None:
    descriptor, name = tempfile.mkstemp(dir=jar.parent, prefix=jar.name)
    os.close(descriptor)
    written = Path(name)
    try:
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("META-INF/MANIFEST.MF", manifest)
            for path in sorted(classes.rglob("*.class")) if classes else []:
                archive.write(path, path.name)
        written.replace(jar)
    finally:
        written.unlink(missing_ok=True)
