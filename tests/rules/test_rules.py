"""Runs the rules tests, which need the Web SDK and so live in Node, as tests of this suite.

After them it reads which parts of the rules they have reached.
"""

import functools
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.rules.rule_coverage import gaps

pytestmark = pytest.mark.emulator

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
TEST_FILES = sorted(path.name for path in FOLDER.glob("*.test.mjs"))
# A run takes some seconds; a backend that stopped answering would otherwise hang it.
DEADLINE_S = 180
NEEDED = (
    "GCLOUD_PROJECT",
    "FIREBASE_AUTH_EMULATOR_HOST",
    "FIRESTORE_EMULATOR_HOST",
    "FIREBASE_STORAGE_EMULATOR_HOST",
    "STORAGE_EMULATOR_BINARY_PATH",
    "TMPDIR",
)


@pytest.fixture(scope="module", autouse=True)
def new_reports() -> Iterator[None]:
    """Load both rulesets anew, from where on coverage is counted: by this module alone."""
    missing = [name for name in NEEDED if not os.environ.get(name)]
    assert not missing, f"run by `make test`: {', '.join(missing)} not set"
    load_rules("firestore.rules", f"{firestore_emulator()}:securityRules")
    storage = os.environ["FIREBASE_STORAGE_EMULATOR_HOST"]
    load_rules("storage.rules", f"http://{storage}/internal/setRules")
    yield
    run_node_tests.cache_clear()


@pytest.mark.timeout(DEADLINE_S + 20)
@pytest.mark.parametrize("test_file", TEST_FILES)
def test_the_rules_permit_the_owner_and_nobody_else(test_file: str) -> None:
    """Each subtest of the file passed, and there was at least one."""
    outcome = run_node_tests(test_file)

    cases = list(ET.fromstring(outcome.stdout).iter("testcase"))
    failures = [describe(case) for case in cases if case.find("failure") is not None]
    assert not failures, f"{len(failures)} of {len(cases)} failed:\n" + "\n".join(failures)
    assert cases, f"no subtest ran:\n{outcome.stdout}\n{outcome.stderr}"
    # A failing hook or import fails the file without failing any subtest of it.
    assert outcome.returncode == 0, f"node ended with {outcome.returncode}:\n{outcome.stdout}"


@pytest.mark.timeout(len(TEST_FILES) * DEADLINE_S + 20)
@pytest.mark.parametrize("rules", ["firestore.rules", "storage.rules"])
def test_every_expression_of_the_rules_is_reached_and_every_condition_both_ways(rules: str) -> None:
    """The Node tests run before, unless they already have in this run."""
    for test_file in TEST_FILES:
        run_node_tests(test_file)

    report = firestore_report() if rules == "firestore.rules" else storage_report()

    left = gaps((ROOT / rules).read_text(), report)
    assert not left, f"{len(left)} gaps:\n" + "\n".join(f"  - {rules}:{gap}" for gap in left)


@functools.cache
def run_node_tests(test_file: str) -> subprocess.CompletedProcess[str]:
    """Run one file of Node tests, once, and return its report as JUnit XML on stdout."""
    node = shutil.which("node")
    assert node, "node is not on the PATH"
    return subprocess.run(
        [node, "--test", "--test-reporter=junit", test_file],
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


def firestore_emulator() -> str:
    """Where the Firestore emulator answers about the project's rules."""
    host, project = os.environ["FIRESTORE_EMULATOR_HOST"], os.environ["GCLOUD_PROJECT"]
    return f"http://{host}/emulator/v1/projects/{project}"


def load_rules(name: str, url: str) -> None:
    """Load rules of the repository into a running emulator."""
    files = [{"name": name, "content": (ROOT / name).read_text()}]
    httpx.put(url, json={"rules": {"files": files}}, timeout=30).raise_for_status()


def firestore_report() -> dict:
    """The coverage of Firestore's rules since they were loaded."""
    answer = httpx.get(f"{firestore_emulator()}:ruleCoverage", timeout=60).raise_for_status()
    return answer.json()


def storage_report() -> dict:
    """The same of Storage's rules, which `local/rules_runtime` keeps in the stack's folder."""
    with zipfile.ZipFile(os.environ["STORAGE_EMULATOR_BINARY_PATH"]) as runtime:
        if "RuleCoverage.class" not in runtime.namelist():
            pytest.skip("Firebase's own rules runtime, which reports no coverage, is in use")
    return json.loads(Path(os.environ["TMPDIR"], "storage-rule-coverage.json").read_text())
