"""The layer of packages, as Google's buildpack for Python below 3.14 makes it."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local.layout import ROOT, StateFolder
from tests.deployed.interpreter import BARE

REQUIREMENTS = ROOT / "functions" / "requirements.txt"
# Each of them would have packages found, or left out, that the layer does not hold.
_NOT_PASSED_ON = ("PYTHONPATH", "PYTHONHOME", "PYTHONNOUSERSITE", "VIRTUAL_ENV")


class LayerFailed(Exception):
    """The packages could not be installed; the text is pip's."""


def installed_layer(state: StateFolder, environ: Mapping[str, str]) -> Path:
    """Return the folder for PYTHONUSERBASE, made when these requirements have none yet.

    Raises LayerFailed.
    """
    layer = state.path / "layers" / _name()
    if not layer.exists():
        layer.parent.mkdir(parents=True, exist_ok=True)
        # A broken-off install stays behind under a name that nobody takes for a layer.
        partial = Path(tempfile.mkdtemp(dir=layer.parent, prefix="partial-"))
        try:
            _install(partial, layer, environ)
            partial.chmod(0o755)
            _take(partial, layer)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return layer


def _take(partial: Path, layer: Path) -> None:
    try:
        partial.rename(layer)
    except OSError:
        # A run beside this one was faster; its layer is the same.
        if not layer.exists():
            raise


def _name() -> str:
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return f"python-{'.'.join(map(str, sys.version_info[:3]))}-{digest[:16]}"


def _install(partial: Path, layer: Path, environ: Mapping[str, str]) -> None:
    kept = {name: text for name, text in environ.items() if name not in _NOT_PASSED_ON}
    environ = {**kept, "PYTHONUSERBASE": str(partial), "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    # The buildpack's own arguments; it forces a reinstall where its image has a package already.
    options = ["--user", "--ignore-installed", "--no-compile", "--no-warn-script-location"]
    pip = [BARE, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    _run([*pip, *options, "--requirement", str(REQUIREMENTS)], environ)
    # Its second step: bytecode that nobody compares with the source. It names the final folder.
    names = ["-s", str(partial), "-p", str(layer)]
    compiled = [BARE, "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compiled, *names, str(partial)], env=environ, check=False)


def _run(command: list[str], environ: Mapping[str, str]) -> None:
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise LayerFailed(ended.stderr[-2_000:])
