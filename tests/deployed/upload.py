"""What a deploy uploads, unpacked and compiled as the buildpack does it."""

import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.deployed.interpreter import BARE

_SCRIPT = Path(__file__).with_name("upload.cjs")


@dataclass(frozen=True)
class Upload:
    """The source as it lies on the platform, and the variables that `.env` sets."""

    source: Path
    variables: Mapping[str, str]


def uploaded(project: str, folder: Path) -> Upload:
    """Pack, unpack and compile functions/ in an empty folder; afterwards nobody may write to it."""
    packed = subprocess.run(
        ["node", str(_SCRIPT), project],
        # firebase-tools leaves the archive in the temporary folder.
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told = json.loads(packed.stdout.splitlines()[-1])
    source = folder / "workspace"
    with zipfile.ZipFile(told["archive"]) as archive:
        archive.extractall(source)
    compile_source(source)
    return Upload(source, told["variables"])


def compile_source(source: Path) -> None:
    """Compile a copy of the source and take the right to write to it from everybody."""
    # The buildpack's own command line.
    command = [BARE, "-m", "compileall", "-f", "-q", "."]
    subprocess.run(command, cwd=source, stdout=subprocess.DEVNULL, check=True)
    for path in (source, *source.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
