"""The real `main.py` through functions-framework's test client, on services in memory."""

import os
from pathlib import Path

import functions_framework
import pytest

from tests.fakes.services import MemoryServices
from voxshelf import wiring

MAIN = Path(__file__).parents[2] / "functions" / "main.py"
ADA = {"Authorization": "Bearer token-of-ada"}
BOB = {"Authorization": "Bearer token-of-bob"}


@pytest.fixture(scope="session")
def apps():
    os.environ.setdefault("GCLOUD_PROJECT", "demo-endpoint-tests")
    names = (
        "voices_save",
        "tts_save",
        "library",
        "voices_clone",
        "tts_generate",
        "jobs",
        "runpod_webhook",
        "reconcile",
    )
    return {name: functions_framework.create_app(name, str(MAIN)) for name in names}


@pytest.fixture
def services():
    chosen = MemoryServices()
    wiring.use(chosen)
    yield chosen
    wiring.use(None)


@pytest.fixture
def function(apps, services):
    """Return a test client of one function."""
    return lambda name: apps[name].test_client()
