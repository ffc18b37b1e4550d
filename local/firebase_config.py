"""The firebase.json of one stack: the repository's own, with that stack's ports."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from local.layout import ROOT
from local.ports import BEHIND_THE_FRONT, HOST, Ports

# The CLI resolves every path in the file against the file's folder, so it has to lie here.
_PATTERN = ".firebase-{name}-{pid}.json"


def emulators_of(root: Path = ROOT) -> dict[str, Any]:
    """The `emulators` part of the repository's firebase.json."""
    emulators: dict[str, Any] = json.loads((root / "firebase.json").read_text())["emulators"]
    return emulators


def shifted_config(config: dict[str, Any], ports: Ports, *, with_ui: bool) -> dict[str, Any]:
    """The configuration with these ports, and the Emulator UI as `with_ui` says."""
    emulators = dict(config["emulators"])
    for name in emulators.keys() & ports.by_name.keys() | {"eventarc", "tasks"}:
        emulators[name] = {"host": HOST, **emulators.get(name, {}), "port": ports[name]}
    emulators["hosting"] = {**emulators["hosting"], "port": ports[BEHIND_THE_FRONT]}
    emulators["firestore"]["websocketPort"] = ports["websocket"]
    emulators["ui"] = {"enabled": with_ui, "host": HOST, "port": ports["ui"]}
    return {**config, "emulators": emulators}


@contextmanager
def written_config(
    name: str, ports: Ports, settings: Path, *, with_ui: bool, root: Path = ROOT
) -> Iterator[Path]:
    """Write the stack's configuration; it is removed at the end.

    `settings` is the folder of the `.env` files, as two stacks need other values there.
    """
    _remove_stale(root)
    config = json.loads((root / "firebase.json").read_text())
    # The CLI joins it to the project's folder, whatever it is.
    config["functions"]["configDir"] = os.path.relpath(settings, root)
    path = root / _PATTERN.format(name=name, pid=os.getpid())
    path.write_text(json.dumps(shifted_config(config, ports, with_ui=with_ui), indent=2))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _remove_stale(root: Path) -> None:
    """Remove what killed stacks could not remove: files whose process is gone."""
    for path in root.glob(_PATTERN.format(name="*", pid="*")):
        pid = path.stem.rpartition("-")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            path.unlink(missing_ok=True)
