"""What Node is made to do: TLS ends at the stand-in, nothing leaves, questions are noted."""

import json
import os
import subprocess

import pytest

from local.layout import ROOT
from local.rehearsal.firebase_cli import REDIRECT
from local.rehearsal.project import CloudProject
from local.rehearsal.protocol import Caller
from local.rehearsal.stand_in import StandIn, served

PROMPT = ROOT / "node_modules" / "firebase-tools" / "lib" / "prompt.js"


@pytest.fixture
def node(tmp_path):
    stand_in = StandIn(CloudProject("p"), Caller("somebody"))
    notes = tmp_path / "notes"
    notes.touch()

    def run(script, *arguments):
        with served(stand_in) as port:
            environ = {
                "PATH": os.environ["PATH"],
                "NODE_OPTIONS": f'--require "{REDIRECT}"',
                "REHEARSAL_NOTES": str(notes),
                "REHEARSAL_PORT": str(port),
            }
            command = ["node", "-e", script, "--", *arguments]
            subprocess.run(command, env=environ, check=True, timeout=60, stdin=subprocess.DEVNULL)
        noted = [json.loads(line) for line in notes.read_text().splitlines()]
        return stand_in.calls, [(note["kind"], note["text"]) for note in noted]

    return run


@pytest.mark.parametrize(
    "script",
    [
        "fetch('https://anything.example/path')",
        "require('node:https').get('https://anything.example/path', (got) => got.resume())",
    ],
    ids=["fetch", "https"],
)
def test_https_to_any_host_ends_at_the_stand_in(node, script):
    calls, notes = node(script)
    assert [(call.host, call.path) for call in calls] == [("anything.example", "/path")]
    assert notes == []


@pytest.mark.parametrize("host", ["192.0.2.1", "metadata.google.internal"])
def test_any_other_connection_is_refused_and_noted(node, host):
    calls, notes = node(f"fetch('http://{host}/').catch(() => {{}})")
    assert calls == []
    assert notes == [("refused", host)]


@pytest.mark.parametrize(
    ("options", "arguments", "noted"),
    [
        ("{ default: false, nonInteractive: true }", [], True),
        ("{ default: false, nonInteractive: true }", ["--non-interactive"], False),
        ("{ nonInteractive: true }", ["--non-interactive"], True),
        ("{ force: true }", [], False),
    ],
    ids=["a person would see it", "told not to ask", "told not to, without a default", "forced"],
)
def test_a_question_is_noted(node, options, arguments, noted):
    ask = f"{{ message: 'Really?', ...{options} }}"
    _, notes = node(f"require('{PROMPT}').confirm({ask}).catch(() => {{}})", *arguments)
    assert notes == ([("question", "Really?")] if noted else [])
