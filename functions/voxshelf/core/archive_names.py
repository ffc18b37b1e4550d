"""Names of an archive's entries, as other programs write them when they pack an export anew.

They are keys and no more: no entry ever becomes a file of that name.
"""

import re
from collections.abc import Iterable

from voxshelf.core.archive import HEADER_NAME
from voxshelf.core.errors import InvalidRequest

# What systems put beside a user's files.
_OF_SYSTEMS = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_DRIVE = re.compile(r"[A-Za-z]:")


def plain_name(name: str) -> str | None:
    r"""Return an entry's name with `/` between its parts; None for what is no file of an export.

    Old programs on Windows write `\` there, which no name of an export has. Folders, and what
    systems leave behind, are no files.

    Raises:
        InvalidRequest: when it leads out of the archive.
    """
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or (parts[0] == "" and len(parts) > 1) or _DRIVE.match(parts[0]):
        raise InvalidRequest("The archive has a name that leads out of it.")
    kept = [part for part in parts if part not in {"", "."}]
    is_folder = parts[-1] in {"", "."}
    if is_folder or "__MACOSX" in kept or kept[-1].lower() in _OF_SYSTEMS:
        return None
    return "/".join(kept)


def leading_folder(names: Iterable[str]) -> str:
    """Return the folder that an export was packed with, with its `/`; empty without one.

    It is the one in which the export's header lies, where that is the only header.
    """
    headers = [name for name in names if name.split("/")[-1] == HEADER_NAME]
    return headers[0].removesuffix(HEADER_NAME) if len(headers) == 1 else ""
