"""Run the real Firebase CLI against the stand-in, and say what came of it."""

import contextlib
import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.layout import FIREBASE
from local.rehearsal.stand_in import StandIn, served

REDIRECT = Path(__file__).with_name("redirect.cjs")
# A whole deploy takes some ten seconds of an idle machine.
_PATIENCE_S = 300


@dataclass(frozen=True)
class Run:
    """One finished command."""

    exit_code: int
    output: str
    # What it wanted to ask somebody, also where a default answered.
    questions: tuple[str, ...]
    # Hosts that it tried to reach outside loopback, which was refused.
    foreign_hosts: tuple[str, ...]


def run_firebase(arguments: list[str], folder: Path, stand_in: StandIn, scratch: Path) -> Run:
    """Run `firebase` in a checkout, signed in as CI is: by Workload Identity Federation.

    Nobody can answer: stdin is closed. Whatever it started ends with it.
    """
    scratch.mkdir(parents=True)
    notes = scratch / "notes"
    notes.touch()
    with served(stand_in) as port:
        environ = _environment(scratch, stand_in.caller.email, notes, port)
        process = subprocess.Popen(
            [str(FIREBASE), *arguments],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=_PATIENCE_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    shown = re.findall(r"^\? .*", output, re.MULTILINE)
    noted = [json.loads(line) for line in notes.read_text().splitlines()]
    return Run(
        process.returncode,
        output,
        (*shown, *(note["text"] for note in noted if note["kind"] == "question")),
        tuple(note["text"] for note in noted if note["kind"] == "refused"),
    )


def _environment(scratch: Path, email: str, notes: Path, port: int) -> dict[str, str]:
    temporary = scratch / "tmp"
    temporary.mkdir()
    return {
        "PATH": os.environ["PATH"],
        # The developer's own login, and what an earlier run knows about APIs, stay out of it.
        "HOME": str(scratch),
        "XDG_CONFIG_HOME": str(scratch / "config"),
        "TMPDIR": str(temporary),
        "CI": "true",
        "NO_COLOR": "1",
        "NO_UPDATE_NOTIFIER": "1",
        "GOOGLE_APPLICATION_CREDENTIALS": str(_credentials(scratch, email)),
        "NODE_OPTIONS": f'--require "{REDIRECT}"',
        "REHEARSAL_NOTES": str(notes),
        "REHEARSAL_PORT": str(port),
    }


def _credentials(scratch: Path, email: str) -> Path:
    """The file that google-github-actions/auth writes, with a token that is one word."""
    token = scratch / "token"
    token.write_text("rehearsal")
    path = scratch / "credentials.json"
    pool = "projects/1/locations/global/workloadIdentityPools/rehearsal/providers/rehearsal"
    content = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{pool}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/"
        f"serviceAccounts/{email}:generateAccessToken",
        "credential_source": {"file": str(token)},
    }
    path.write_text(json.dumps(content))
    return path
