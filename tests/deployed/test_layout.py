"""What a deployed function is made of: its own code, its own packages, nothing of the lab."""

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest

from local.layout import ROOT
from tests.deployed import MARKS
from tests.deployed.interpreter import BARE, unprivileged
from tests.sounds import wav

pytestmark = MARKS
# Imports what the functions may ever import, as functions-framework's script would.
_WALK = """
import importlib, json, pkgutil, site, sys
# The interpreter's own packages are those of whoever installed it.
sys.path = [path for path in sys.path if path not in site.getsitepackages()]
sys.path[0] = {bin!r}
sys.path.append({source!r})
started = set(sys.modules)
import main, voxshelf
for module in pkgutil.walk_packages(voxshelf.__path__, "voxshelf."):
    importlib.import_module(module.name)
# What the bare interpreter starts with is its own affair.
loaded = [module for name, module in sys.modules.items() if name not in started]
files = [getattr(module, "__file__", None) for module in loaded]
print(json.dumps({{"path": sys.path, "files": sorted(filter(None, files))}}))
"""


@pytest.fixture(scope="module")
def imported(platform, upload):
    """Where everything that the functions import comes from, and the path that leads there."""
    code = _WALK.format(bin=str(platform.layer / "bin"), source=str(upload.source))
    ran = subprocess.run(
        unprivileged(BARE, "-c", code),
        env=platform.environ("library", upload.source),
        cwd=upload.source,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(ran.stdout)


def test_all_code_comes_from_the_layer_the_upload_and_the_standard_library(imported, layer, upload):
    places = (layer, upload.source, Path(sysconfig.get_path("stdlib")))
    files = list(map(Path, imported["files"]))
    assert [file for file in files if not any(place in file.parents for place in places)] == []
    assert [
        file for file in files if "site-packages" in file.parts and layer not in file.parents
    ] == []


def test_the_path_leads_neither_to_the_repository_nor_to_its_virtual_environment(
    imported, layer, upload
):
    own = {upload.source, *layer.rglob("site-packages"), layer / "bin"}
    assert [path for path in set(map(Path, imported["path"])) - own if ROOT in path.parents] == []


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells")
def test_the_servers_and_the_audio_worker_load_libraries_of_the_layer_alone(api, deployed, layer):
    api.save_voice({"voice_name": "Wakes the worker"}, wav(1.0))
    server, *others = deployed["voices_save"].processes
    maps = [Path(f"/proc/{each.pid}/maps").read_text() for each in (server, *others)]
    packages = {
        line.split(maxsplit=5)[5]
        for text in maps
        for line in text.splitlines()
        if "site-packages" in line
    }
    assert [path for path in packages if not Path(path).is_relative_to(layer)] == []
    assert any("/numpy/" in path for path in packages)


def test_an_upload_holds_the_code_and_no_secret(upload):
    names = {path.name for path in upload.source.iterdir()} - {"__pycache__"}
    expected = {".env", "functions.yaml", "main.py", "requirements.in", "requirements.txt"}
    assert names == {*expected, "voxshelf"}


def test_a_function_can_write_to_its_tmp_and_neither_to_its_code_nor_to_its_home(platform, upload):
    def can_write_to(folder):
        command = unprivileged("touch", str(Path(folder) / "written"))
        return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0

    environ = platform.environ("library", upload.source)
    assert can_write_to(environ["TMPDIR"])
    assert not can_write_to(upload.source / "voxshelf")
    assert not can_write_to(environ["HOME"])


def test_a_function_has_the_secrets_that_are_declared_for_it_alone(deployed, platform):
    for name, instance in deployed.items():
        held = instance.processes[0].environ().keys() & platform.secrets.keys()
        runs_jobs = name in {"voices_clone", "tts_generate", "jobs", "runpod_webhook", "reconcile"}
        assert held == {"PAGE_TOKEN_KEY", *(["RUNPOD_API_KEY"] if runs_jobs else [])}
