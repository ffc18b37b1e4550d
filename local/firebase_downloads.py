"""The emulators' Java programs as firebase-tools keeps them: its cache and its own download."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from local.program_source import Program, SourceUnavailable

# The whole probe, name resolution included. A host that is there answers in well under a second;
# a network that swallows packets would otherwise cost minutes at every start of the stack.
PROBE_DEADLINE_S = 5.0
# The larger file has 137 MB: this allows for a line of 2 Mbit/s, and then gives up.
DOWNLOAD_DEADLINE_S = 600.0
PROGRESS_EVERY_S = 10.0


class FirebaseDownloads:
    """Finds and fetches what firebase-tools downloads, under the names and sizes it expects."""

    def __init__(
        self, node_modules: Path, environ: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        """Remember where to look; nothing is read before the first question."""
        self._node_modules = node_modules
        self._environ = environ
        self._say = say
        self._probed: dict[str, str | None] = {}

    def cached(self, program: Program) -> Path | None:
        """Return the program from the cache, or None where it is absent or of another size.

        firebase-tools checks the digest when it downloads; the size is enough to notice a file
        that was cut off or belongs to another release.
        """
        details = self._details(program)
        path = self._cache() / str(details["downloadPathRelativeToCacheDir"])
        if path.is_file() and path.stat().st_size == details["expectedSize"]:
            return path
        return None

    def file_name(self, program: Program) -> str:
        """Return the name of the file that firebase-tools would download."""
        return Path(str(self._details(program)["remoteUrl"])).name

    def ui_is_cached(self) -> bool:
        """Tell whether the Emulator UI can be switched on."""
        try:
            server = str(self._info()["ui"]["main"]["binaryPathRelativeToCacheDir"])
        except SourceUnavailable:
            return False
        return (self._cache() / server).is_file()

    def download(self, program: Program, work_folder: Path) -> Path:
        """Let firebase-tools download the program into its cache, and return it.

        Raises SourceUnavailable within `PROBE_DEADLINE_S` where the host does not answer, and
        within `DOWNLOAD_DEADLINE_S` where it answers too slowly. The command's log goes to
        `work_folder`.
        """
        details = self._details(program)
        self._require_reachable(str(details["remoteUrl"]))
        size_mb = int(details["expectedSize"]) // 1_000_000
        self._say(f"Downloading the {program.title} ({size_mb} MB) by firebase-tools")
        self._set_up(program.key, work_folder)
        path = self.cached(program)
        if path is None:
            raise SourceUnavailable("firebase-tools' download left no file of the expected size")
        return path

    def download_ui(self, work_folder: Path) -> None:
        """Let firebase-tools download the Emulator UI; it is a comfort, so a failure only speaks.

        Asked for after a successful download only: where the programs came from elsewhere there
        is nothing to gain from another probe at every start.
        """
        try:
            self._require_reachable(str(self._info()["ui"]["main"]["remoteUrl"]))
            self._set_up("ui", work_folder)
        except SourceUnavailable as reason:
            self._say(f"Going on without the Emulator UI: {reason}")

    def _info(self) -> dict[str, Any]:
        path = self._node_modules / "firebase-tools/lib/emulator/downloadableEmulatorInfo.json"
        try:
            info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SourceUnavailable("firebase-tools is not installed (make install)") from None
        return info

    def _details(self, program: Program) -> dict[str, Any]:
        details: dict[str, Any] = self._info()[program.key]
        return details

    def _cache(self) -> Path:
        named = self._environ.get("FIREBASE_EMULATORS_PATH")
        home = self._environ.get("HOME") or str(Path.home())
        return Path(named) if named else Path(home) / ".cache" / "firebase" / "emulators"

    def _require_reachable(self, url: str) -> None:
        # Both programs and the UI come from one host: only the first of them waits for it.
        host = httpx.URL(url).netloc.decode()
        if host not in self._probed:
            self._probed[host] = _why_unreachable(url)
        reason = self._probed[host]
        if reason is not None:
            raise SourceUnavailable(reason)

    def _set_up(self, name: str, work_folder: Path) -> None:
        work_folder.mkdir(parents=True, exist_ok=True)
        command = [str(self._node_modules / ".bin" / "firebase"), f"setup:emulators:{name}"]
        environ = {**self._environ, "FIREBASE_EMULATORS_PATH": str(self._cache())}
        # Output is inherited: on a terminal firebase-tools draws its own progress bar. A session
        # of its own lets us end node and whatever it started as one group.
        with subprocess.Popen(
            command,
            cwd=work_folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                self._await(process, name)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def _await(self, process: subprocess.Popen[bytes], name: str) -> None:
        started_at = time.monotonic()
        while (elapsed_s := time.monotonic() - started_at) < DOWNLOAD_DEADLINE_S:
            try:
                code = process.wait(timeout=PROGRESS_EVERY_S)
            except subprocess.TimeoutExpired:
                self._say(f"  ... {name}: still downloading after {elapsed_s + 10:.0f} s")
                continue
            if code != 0:
                raise SourceUnavailable(f"firebase setup:emulators:{name} ended with code {code}")
            return
        raise SourceUnavailable(f"the download was not done within {DOWNLOAD_DEADLINE_S:.0f} s")


def _why_unreachable(url: str) -> str | None:
    """Return why the file at `url` cannot be fetched, or None where it can.

    The question runs on a thread of its own because name resolution has no timeout in Python; a
    thread that still hangs when the deadline is over is left behind, and as a daemon it keeps
    nobody from ending.
    """
    outcome: list[str | None] = []
    thread = threading.Thread(target=lambda: outcome.append(_head(url)), daemon=True)
    thread.start()
    thread.join(PROBE_DEADLINE_S)
    host = httpx.URL(url).host
    return outcome[0] if outcome else f"{host} did not answer within {PROBE_DEADLINE_S:.0f} s"


def _head(url: str) -> str | None:
    host = httpx.URL(url).host
    try:
        response = httpx.head(url, timeout=PROBE_DEADLINE_S - 1, follow_redirects=True)
    except (httpx.HTTPError, OSError) as error:
        return f"{host} is not reachable ({str(error) or type(error).__name__})"
    # A gateway that blocks the host tends to answer by itself, with a page and an error status.
    return None if response.is_success else f"{host} answered {response.status_code}"
