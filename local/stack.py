"""One emulator stack: its ports, configuration, environment, folders and addresses.

`make dev` and the test run differ only in what they do with it.
"""

import compileall
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.firebase_config import written_config
from local.function_settings import write_settings
from local.java_programs import locate
from local.layout import FIREBASE, FRONT, JAVA_BUILD, ROOT, StateFolder
from local.local_secrets import ensure_page_token_key, ensure_runpod_api_key
from local.ports import BEHIND_THE_FRONT, Ports

EMULATORS = ("auth", "functions", "firestore", "storage", "hosting")
REGION = "us-central1"
# Of the caller's environment, what must not reach the functions: real credentials, and what makes
# Python start slowly (without .pyc files) or from other folders than on the platform.
_NOT_PASSED_ON = (
    "FORCE_COLOR",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
)


@dataclass(frozen=True)
class Stack:
    """A stack that is ready to be started: `environ` is for firebase-tools."""

    name: str
    project: str
    ports: Ports
    config: Path
    environ: Mapping[str, str]
    scratch: Path
    log: Path
    has_ui: bool

    @property
    def site_url(self) -> str:
        """The site and, under /api, the functions, as Hosting serves them."""
        return f"http://{self.ports.address('hosting')}"

    @property
    def beside(self) -> list[list[str]]:
        """The commands that run beside firebase-tools: the front, and the stand-in for RunPod."""
        port, upstream = str(self.ports["hosting"]), str(self.ports[BEHIND_THE_FRONT])
        return [
            ["node", str(FRONT), "--port", port, "--upstream", upstream],
            [sys.executable, "-m", "local.runpod", "--port", str(self.ports["runpod"])],
        ]

    @property
    def functions_url(self) -> str:
        """What a function's own URL starts with; its name follows after a slash."""
        return f"http://{self.ports.address('functions')}/{self.project}/{REGION}"

    def command(self, action: str, *arguments: str) -> list[str]:
        """The command line of firebase-tools for `emulators:start` or `emulators:exec`."""
        options = ["--config", str(self.config), "--project", self.project]
        options += ["--only", ",".join(EMULATORS), "--non-interactive"]
        return [str(FIREBASE), action, *options, *arguments]


@contextmanager
def prepared(
    name: str,
    project: str,
    ports: Ports,
    state: StateFolder,
    say: Callable[[str], None],
    *,
    developer_decides: bool = False,
) -> Iterator[Stack]:
    """Make everything that a start needs; raises JavaProgramMissing.

    The functions call the stand-in for RunPod, unless the developer decides: then his
    `functions/.env.local` may name the real one.
    """
    programs = locate(JAVA_BUILD, os.environ, say)
    functions = ROOT / "functions"
    ensure_page_token_key(functions)
    ensure_runpod_api_key(functions)
    # Without bytecode every worker of the Functions emulator starts 3 to 4 times slower.
    compileall.compile_dir(functions, rx=re.compile(r"/venv/"), quiet=2)
    scratch, log = state.scratch(name), state.log(name)
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "tmp").mkdir(parents=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    runpod = _runpod(ports)
    settings = scratch / "settings"
    write_settings(settings, functions, project, runpod, developer_decides=developer_decides)
    environ = _environment(scratch, programs.environment()) | runpod
    with written_config(name, ports, settings, with_ui=programs.emulator_ui) as config:
        yield Stack(name, project, ports, config, environ, scratch, log, programs.emulator_ui)


def _runpod(ports: Ports) -> dict[str, str]:
    """Where the functions find the stand-in for RunPod, and where it finds them."""
    return {
        "RUNPOD_BASE_URL": f"http://{ports.address('runpod')}/v2",
        "RUNPOD_CLONE_ENDPOINT": "clone",
        "RUNPOD_SPEECH_ENDPOINT": "speech",
        "RUNPOD_TAKES_URLS": "true",
        "PUBLIC_BASE_URL": f"http://{ports.address('hosting')}",
    }


def _environment(scratch: Path, java: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if name not in _NOT_PASSED_ON}
    return {
        **inherited,
        **java,
        # firebase-tools finds a running stack by a file there, named by the project alone, and
        # keeps the Storage emulator's files there: two stacks need two folders.
        "TMPDIR": str(scratch / "tmp"),
        # The developer's own login, project choice and consent to telemetry stay out of it.
        "XDG_CONFIG_HOME": str(scratch / "config"),
        # No update notice, no message of the day, no question.
        "CI": "true",
        "NO_UPDATE_NOTIFIER": "1",
    }
