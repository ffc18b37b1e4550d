"""Runs the rules tests, which need the Web SDK and so live in Node, as tests of this suite."""

import os
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.emulator

FOLDER = Path(__file__).parent
# A run takes some seconds; a backend that stopped answering would otherwise hang it.
DEADLINE_S = 180
NEEDED = (
    "GCLOUD_PROJECT",
    "FIREBASE_AUTH_EMULATOR_HOST",
    "FIRESTORE_EMULATOR_HOST",
    "FIREBASE_STORAGE_EMULATOR_HOST",
)


@pytest.mark.timeout(DEADLINE_S + 20)
@pytest.mark.parametrize(
    "test_file", sorted(path.name for path in FOLDER.glob("*.test.mjs")), ids=str
)
def test_the_rules_permit_the_owner_and_nobody_else(test_file: str) -> None:
    """Each subtest of the file passed, and there was at least one."""
    missing = [name for name in NEEDED if not os.environ.get(name)]
    assert not missing, f"run under `firebase emulators:exec`: {', '.join(missing)} not set"

    outcome = run_node_tests(FOLDER / test_file)

    cases = list(ET.fromstring(outcome.stdout).iter("testcase"))
    failures = [describe(case) for case in cases if case.find("failure") is not None]
    assert not failures, f"{len(failures)} of {len(cases)} failed:\n" + "\n".join(failures)
    assert cases, f"no subtest ran:\n{outcome.stdout}\n{outcome.stderr}"
    # A failing hook or import fails the file without failing any subtest of it.
    assert outcome.returncode == 0, f"node ended with {outcome.returncode}:\n{outcome.stdout}"


def run_node_tests(test_file: Path) -> subprocess.CompletedProcess[str]:
    """Run one file of Node tests, and return its report as JUnit XML on stdout."""
    node = shutil.which("node")
    assert node, "node is not on the PATH"
    return subprocess.run(
        [node, "--test", "--test-reporter=junit", str(test_file)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def describe(case: ET.Element) -> str:
    """Return the name of a failed subtest and what it failed by, on few lines."""
    failure = case.find("failure")
    text = "" if failure is None else failure.get("message") or failure.text or ""
    return f"  - {case.get('name')}: {' '.join(text.split())[:300]}"
