import os
from pathlib import Path

import functions_framework
import pytest

from tests.fakes.services import MemoryServices
from tests.migrate.memory_site import URL, MemorySite, UnsignedTokens, id_token
from tests.migrate.old_folder import OldFolder
from voxshelf import wiring
from voxshelf.migrate.__main__ import main

MAIN = Path(__file__).parents[2] / "functions" / "main.py"


@pytest.fixture
def folder(tmp_path):
    return OldFolder(tmp_path / "old")


@pytest.fixture(scope="session")
def apps():
    os.environ.setdefault("GCLOUD_PROJECT", "demo-endpoint-tests")
    names = ("voices_save", "tts_save", "library")
    return {name: functions_framework.create_app(name, str(MAIN)) for name in names}


@pytest.fixture
def site(apps):
    services = MemoryServices(tokens=UnsignedTokens())
    wiring.use(services)
    yield MemorySite(services, lambda name: apps[name].test_client())
    wiring.use(None)


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def migrate(folder, site, pauses):
    """Run the command on the folder and the site; the exit code is returned."""

    def run(*arguments, **environ):
        environ.setdefault("VOXSHELF_ID_TOKEN", id_token("ada"))
        command = [str(folder.root), "--url", URL, *arguments]
        return main(command, environ, transport=site.transport, sleep=pauses.append)

    return run
