"""A checkout to deploy from, as CI has it, that a scenario may change."""

import json
import shutil
from pathlib import Path

from local.layout import ROOT

# What `firebase deploy` reads.
_FILES = ("firebase.json", "firestore.indexes.json", "firestore.rules", "storage.rules")
_FOLDERS = ("functions", "site")
_NOT_COPIED = shutil.ignore_patterns("venv", "__pycache__", "*.local", ".env.*")
# Lies in a folder that was worked in, and must never be uploaded.
DECOYS = (
    "functions/.secret.local",
    "functions/.env.local",
    "functions/venv/lib/site-packages/numpy.py",
    "functions/voxshelf/__pycache__/settings.cpython-311.pyc",
    "functions/voxshelf/migrate/old.py",
    "functions/tests/test_old.py",
    "functions/firebase-debug.log",
)


def make_checkout(folder: Path, project_id: str, settings: str) -> Path:
    """Copy what a deploy reads, with the project's settings and with what must stay behind."""
    folder.mkdir(parents=True)
    for name in _FILES:
        shutil.copy2(ROOT / name, folder)
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=_NOT_COPIED)
    for name in DECOYS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("# must stay behind\n")
    (folder / "functions" / f".env.{project_id}").write_text(settings)
    return folder


def change_index(folder: Path) -> None:
    """Have one index begin with another field, as a query that changed would ask for."""
    path = folder / "firestore.indexes.json"
    content = json.loads(path.read_text())
    content["indexes"][0]["fields"][0]["fieldPath"] = "rehearsed"
    path.write_text(json.dumps(content))


def change_source(folder: Path) -> None:
    """Change the functions' code, so that each is built anew."""
    with (folder / "functions" / "main.py").open("a") as file:
        file.write("# changed\n")
