"""The settings of one stack's functions: the repository's, with that stack's addresses.

firebase-tools reads them from a folder that the stack's firebase.json names, so that stacks with
other addresses run at the same time. A value there wins over the environment.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

_LOCAL = ".env.local"


def write_settings(
    folder: Path,
    functions: Path,
    project: str,
    stack: Mapping[str, str],
    *,
    developer_decides: bool,
) -> None:
    """Write the `.env` files into a new folder.

    Of `functions/.env.local` and the stack's values the latter win, unless the developer decides.
    """
    folder.mkdir()
    for name in (".env", f".env.{project}"):
        if (functions / name).exists():
            shutil.copy(functions / name, folder)
    lines = [f"{name}={value}" for name, value in stack.items()]
    local = functions / _LOCAL
    own = local.read_text().splitlines() if local.exists() else []
    # Of two lines with one name the last counts.
    together = lines + own if developer_decides else own + lines
    (folder / _LOCAL).write_text("".join(f"{line}\n" for line in together))
