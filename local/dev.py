"""Run the whole stack for development until Ctrl-C: `python -m local.dev [--clean]`."""

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from local.auth_emulator import AuthEmulatorError, User, sign_in_or_up
from local.console import Console
from local.emulator_data import DataInUse, EmulatorData, opened
from local.firebase_config import emulators_of
from local.java_programs import JavaProgramMissing
from local.layout import StateFolder, shown, state_folder
from local.log_view import follow, last_lines, worth_showing
from local.ports import OffsetInvalid, PortBusy, claimed, offset_setting, shifted_ports
from local.readiness import CHECKS, NotReady, wait_for_ports, wait_until_ready
from local.sample_audio import write_sample
from local.speech import SpeechFailed
from local.stack import EMULATORS, Stack, prepared
from local.supervisor import Supervisor
from local.welcome import welcome

NAME = "dev"
PROJECT = "demo-voxshelf"
DEMO_EMAIL = "demo@voxshelf.example"
# No secret: the account exists in the Auth emulator alone, which listens on this machine.
DEMO_PASSWORD = "demo-voxshelf"  # noqa: S105
START_DEADLINE_S = 90.0
# Before the stack is up there is nothing to save, and firebase-tools would first finish starting.
START_GRACE_S = 2.0
# Exporting takes a second or two; a large library of audio is copied file by file.
STOP_GRACE_S = 30.0
INTERRUPTED = 130
_LOG_LINES = 25


@dataclass
class Session:
    """One run of the stack, from the start to the saved data."""

    stack: Stack
    data: EmulatorData
    state: StateFolder
    console: Console
    parent_pid: int
    ready: bool = False
    problem: str | None = None

    def run(self) -> int:
        """Run until the end; the exit code is 0 for a stack that came up and was asked to end."""
        ended = threading.Event()
        with self.stack.log.open("wb") as output:
            supervisor = Supervisor(
                self._command(),
                environ=self.stack.environ,
                say=self.console.step,
                grace_s=START_GRACE_S,
                parent_pid=self.parent_pid,
                folder=self.stack.scratch,
                output=output,
                beside=self.stack.beside,
            )
            arguments = (self.stack.log, self._show, ended)
            threads = [
                threading.Thread(target=follow, args=arguments, daemon=True),
                threading.Thread(target=self._come_up, args=(supervisor, ended), daemon=True),
            ]
            for thread in threads:
                thread.start()
            try:
                code = supervisor.run()
            finally:
                ended.set()
            for thread in threads:
                thread.join(timeout=5)
        return self._conclude(supervisor, code)

    def _command(self) -> list[str]:
        latest = self.data.latest()
        imported = ["--import", str(latest)] if latest else []
        self.console.step(f"Starting with {'the saved data' if latest else 'an empty store'} ...")
        return self.stack.command(
            "emulators:start", *imported, "--export-on-exit", str(self.data.next)
        )

    def _show(self, line: str) -> None:
        if worth_showing(line):
            self.console.write(line)

    def _come_up(self, supervisor: Supervisor, ended: threading.Event) -> None:
        deadline_s = self.console.elapsed_s() + START_DEADLINE_S

        def asked_to_end() -> bool:
            return ended.is_set() or supervisor.stopped_because is not None

        def keep_waiting() -> bool:
            return not asked_to_end() and self.console.elapsed_s() < deadline_s

        try:
            parts = ("runpod", *EMULATORS)
            wait_for_ports(self.stack.ports, parts, keep_waiting, self.console.step)
            wait_until_ready(
                self.stack.site_url,
                CHECKS,
                lambda: self._demo_user().id_token,
                keep_waiting,
                self.console.step,
            )
            write_sample(self.state.sample)
            text = welcome(self.stack, self._demo_user(), self.state.sample)
        except (NotReady, AuthEmulatorError, OSError, SpeechFailed) as reason:
            if not asked_to_end():
                self.problem = str(reason)
                supervisor.stop(f"it did not come up within {START_DEADLINE_S:.0f} s")
            return
        self.data.trust_next()
        self.ready = True
        supervisor.grace_s = STOP_GRACE_S
        self.console.step("Ready.")
        self.console.write(text)

    def _demo_user(self) -> User:
        return sign_in_or_up(self.stack.ports.address("auth"), DEMO_EMAIL, DEMO_PASSWORD)

    def _conclude(self, supervisor: Supervisor, code: int) -> int:
        kept = self.data.latest()
        self.data.keep_only(kept)
        if self.ready and kept == self.data.next:
            self.console.step(f"Ended; the data are in {shown(kept)}.")
        else:
            before = shown(kept) if kept else "an empty store"
            self.console.step(f"Ended without saving; the next start continues with {before}.")
        if self.problem or not supervisor.stopped_because:
            self._explain(supervisor, code)
            return 1
        return 0 if self.ready else INTERRUPTED

    def _explain(self, supervisor: Supervisor, code: int) -> None:
        why = supervisor.stopped_because or f"firebase-tools ended by itself (exit code {code})"
        log = self.stack.log
        lines = [f"The end of {shown(log)}:", last_lines(log, _LOG_LINES), ""]
        lines += [f"The stack is not up: {why}.", self.problem or ""]
        self.console.write("\n".join([*lines, ""]))


def main(arguments: Sequence[str]) -> int:
    """Run `make dev`; 1 with one clear message when it cannot start."""
    parent_pid = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m local.dev", description=__doc__)
    parser.add_argument("--clean", action="store_true", help="start with an empty store")
    clean: bool = parser.parse_args(arguments).clean
    console = Console()
    state = state_folder(os.environ)
    try:
        ports = shifted_ports(emulators_of(), offset_setting(os.environ))
        with claimed(ports), opened(state.data) as data:
            if clean:
                data.keep_only(None)
            with prepared(
                NAME, PROJECT, ports, state, console.step, developer_decides=True
            ) as stack:
                return Session(stack, data, state, console, parent_pid).run()
    except (PortBusy, OffsetInvalid, DataInUse, JavaProgramMissing) as problem:
        console.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
