"""Where things are: the repository, and the folder of everything that local runs leave behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIREBASE = ROOT / "node_modules" / ".bin" / "firebase"
FRONT = ROOT / "local" / "front.mjs"
# A cache that every stack of this checkout shares, hence not inside a StateFolder.
JAVA_BUILD = ROOT / ".local" / "java"


@dataclass(frozen=True)
class StateFolder:
    """What local runs leave behind: emulator data, logs and scratch folders."""

    path: Path

    @property
    def data(self) -> Path:
        """The folder of the exported emulator data."""
        return self.path / "data"

    @property
    def sample(self) -> Path:
        """The audio file that the printed `curl` uploads."""
        return self.path / "sample.wav"

    def log(self, name: str) -> Path:
        """The log of what runs under `name`."""
        return self.path / "logs" / f"{name}.log"

    def scratch(self, name: str) -> Path:
        """The working folder of the stack `name`, emptied at each start."""
        return self.path / "run" / name


def state_folder(environ: Mapping[str, str]) -> StateFolder:
    """The state folder: `VOXSHELF_STATE`, else `.local` of this checkout."""
    return StateFolder(Path(environ.get("VOXSHELF_STATE") or ROOT / ".local").resolve())


def shown(path: Path) -> str:
    """The path as a developer types it in the repository: relative where it is inside."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
