"""What a process imports before and during its first request: the price of a cold start."""

import os
import subprocess
import sys
from pathlib import Path

FUNCTIONS = Path(__file__).parents[2] / "functions"
HEAVY = (
    "google.cloud.firestore",
    "google.cloud.storage",
    "google.auth",
    "firebase_admin",
    "httpx",
    "numpy",
    "soundfile",
)


def loaded_after(code: str, **environ: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=FUNCTIONS,
        env={"PYTHONPATH": str(FUNCTIONS), "PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    modules = set(run.stderr.split())
    return {heavy for heavy in HEAVY if heavy in modules}


REQUEST = """
import functions_framework
client = functions_framework.create_app({target!r}, "main.py").test_client()
client.open({path!r}, method={method!r}, headers={{"Authorization": "Bearer x"}})
"""
LOCAL = {
    "GCLOUD_PROJECT": "demo-cold",
    "FIREBASE_CONFIG": '{"storageBucket": "b"}',
    "PAGE_TOKEN_KEY": "k",
    "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:1",
}


def test_importing_main_imports_nothing_that_a_function_may_not_need():
    assert loaded_after("import main", GCLOUD_PROJECT="demo-cold") == set()


def test_liveness_needs_no_client_at_all():
    code = REQUEST.format(target="library", path="/api/health", method="GET")
    assert loaded_after(code, **LOCAL) == set()


def test_a_refused_listing_loads_what_checks_tokens_but_no_audio():
    code = REQUEST.format(target="library", path="/api/voices", method="GET")
    loaded = loaded_after(code, **LOCAL)
    assert "firebase_admin" in loaded
    assert not loaded & {"numpy", "soundfile"}


def test_a_refused_save_loads_no_audio():
    code = REQUEST.format(target="voices_save", path="/", method="POST")
    assert not loaded_after(code, **LOCAL) & {"numpy", "soundfile"}


def test_a_real_project_with_emulators_configured_does_not_start():
    run = subprocess.run(
        [sys.executable, "-c", "import main"],
        cwd=FUNCTIONS,
        env={
            "PYTHONPATH": str(FUNCTIONS),
            "PATH": os.environ["PATH"],
            "GCLOUD_PROJECT": "real-project",
            "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode != 0
    assert "FIREBASE_AUTH_EMULATOR_HOST must not be set" in run.stderr
