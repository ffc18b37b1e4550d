"""The files of an old folder, with or without a level of users' ids below each kind."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SAMPLES = "voice_samples"
PROFILES = "voice_profiles"
GENERATIONS = "tts_generations"
KINDS = (SAMPLES, PROFILES, GENERATIONS)


class FolderUnusable(Exception):
    """The folder is no old layout, or does not say whose it is; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to tell of a file, or of a few alike."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of each kind, sorted by name, and what was not looked at."""

    root: Path
    files: dict[str, list[Path]]
    remarks: list[Remark]

    def shown(self, path: Path) -> str:
        """Return a file's name for people: relative, and on one line whatever it holds."""
        name = path.relative_to(self.root).as_posix()
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def list_folder(root: Path, owner: str | None) -> Listing:
    """List the files of one owner: those below the folder of that name, where there are such.

    Hidden files are no one's data. Links are not followed: they may lead anywhere.

    Raises:
        FolderUnusable.
    """
    if not any((root / kind).is_dir() for kind in KINDS):
        raise FolderUnusable(f"{root} holds none of the folders {', '.join(KINDS)}.")
    listing = Listing(root, {kind: [] for kind in KINDS}, [])
    owners: dict[str, list[tuple[str, Path]]] = {}
    for kind in KINDS:
        for name, path in _below(listing, root / kind):
            owners.setdefault(name, []).append((kind, path))
    named = sorted(name for name in owners if name)
    if owner is None and len(named) > 1:
        shown = ", ".join(named[:5])
        raise FolderUnusable(
            f"The folder holds files of several users ({shown}): choose by --owner."
        )
    if owner is not None and owner not in named:
        raise FolderUnusable(f"The folder holds no files of {owner!r}.")
    for name in owners if owner is None else [owner]:
        for kind, path in owners[name]:
            listing.files[kind].append(path)
    return listing


def _below(listing: Listing, folder: Path, owner: str = "") -> Iterator[tuple[str, Path]]:
    """Yield the files of one kind with the name of their owner's folder, empty without one."""
    for entry in _entries(listing, folder):
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            _remark(listing, path, "is a link: put the file itself in its place")
        elif entry.is_file():
            yield owner, path
        elif entry.is_dir() and not owner:
            yield from _below(listing, path, entry.name)
        else:
            _remark(listing, path, "is no file, or a folder too deep: put its files one level up")


def _entries(listing: Listing, folder: Path) -> list[os.DirEntry[str]]:
    if folder.is_symlink():
        _remark(listing, folder, "is a link: put the folder itself in its place")
        return []
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        _remark(listing, folder, f"cannot be listed: {error.strerror}")
        return []


def _remark(listing: Listing, path: Path, text: str) -> None:
    listing.remarks.append(Remark(listing.shown(path), text))
