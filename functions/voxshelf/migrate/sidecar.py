"""The `.json` files beside audio and profiles: read as they are found, or refused whole."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxshelf.migrate.folder import PROFILES, SAMPLES, Listing
from voxshelf.migrate.names import read_profile

# Some frontends wrote the whole answer of a worker, audio in base64 included.
MAX_SIDECAR_BYTES = 64 * 1024 * 1024

Facts = Mapping[str, Any]


class SidecarUnreadable(Exception):
    """A file cannot be read, or a fact in it cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The facts of one item; `notes` say what was guessed."""

    facts: Facts
    notes: tuple[str, ...] = ()


class Sidecars:
    """All `.json` files of a folder, by what they belong to."""

    def __init__(self, listing: Listing) -> None:
        """Find out which file lies beside which."""
        self._listing = listing
        self._places: dict[tuple[Path, str], Path] = {}
        self._of_voices: dict[str, list[Path]] = {}
        for kind, paths in listing.files.items():
            for path in filter(is_sidecar, paths):
                self._places[path.parent, path.stem] = path
                for named in read_profile(path.stem)[:1] if kind in (SAMPLES, PROFILES) else ():
                    self._of_voices.setdefault(named.voice, []).append(path)

    def of_file(self, path: Path) -> list[Path]:
        """Return those of one file: of the same name, the extension replaced or added to."""
        places = [(path.parent, path.stem), (path.parent, path.name)]
        return [self._places[place] for place in places if place in self._places]

    def of_voice(self, voice: str) -> list[Path]:
        """Return those that are named as a voice, beside the samples or the profiles."""
        return self._of_voices.get(voice, [])

    def read(self, paths: Iterable[Path]) -> Sidecar:
        """Read the files of one item; the first one that names a fact is believed.

        Raises:
            SidecarUnreadable.
        """
        facts: dict[str, Any] = {}
        notes: list[str] = []
        for path in paths:
            try:
                read = read_sidecar(path)
            except SidecarUnreadable as error:
                raise SidecarUnreadable(f"its {self._listing.shown(path)} {error}") from None
            facts = {**read.facts, **facts}
            notes += read.notes
        return Sidecar(facts, tuple(notes))

    def alone(self, voices: Iterable[str]) -> list[Path]:
        """Return those that belong to no file and to none of the voices."""
        files = [p for paths in self._listing.files.values() for p in paths if not is_sidecar(p)]
        belonging = {path for file in files for path in self.of_file(file)}
        belonging.update(path for voice in voices for path in self.of_voice(voice))
        return [path for path in self._places.values() if path not in belonging]


def is_sidecar(path: Path) -> bool:
    """Tell whether a file holds facts of another."""
    return path.suffix.lower() == ".json"


def read_sidecar(path: Path) -> Sidecar:
    """Read an object of facts; those of a worker's `metadata` stand behind the others.

    Raises:
        SidecarUnreadable.
    """
    try:
        if path.stat().st_size > MAX_SIDECAR_BYTES:
            raise SidecarUnreadable(f"is larger than {MAX_SIDECAR_BYTES // 1024**2} MiB")
        text, notes = _decoded(path.read_bytes())
    except OSError as error:
        raise SidecarUnreadable(f"cannot be read: {error.strerror}") from None
    value = _parsed(text)
    metadata = value.get("metadata")
    behind = metadata if isinstance(metadata, dict) else {}
    said = {name: fact for name, fact in value.items() if fact is not None}
    return Sidecar({**behind, **said}, notes)


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Decode as UTF-8, UTF-16 or UTF-32, with or without a mark, else as Windows wrote text."""
    try:
        return data.decode(json.detect_encoding(data)), ()
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), ("its .json is no UTF-8 and was read as Latin-1",)
    except UnicodeDecodeError:
        raise SidecarUnreadable("is no UTF-8") from None


def _parsed(text: str) -> dict[str, Any]:
    try:
        # Python writes NaN and Infinity, which are no JSON and no facts.
        value = json.loads(text, parse_constant=lambda _: None)
        # Halves of surrogate pairs can be written in JSON, and sent nowhere.
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise SidecarUnreadable("holds half of a character") from None
    except ValueError as error:
        raise SidecarUnreadable(f"is no JSON: {error}") from None
    except RecursionError:
        raise SidecarUnreadable("is nested too deeply") from None
    if not isinstance(value, dict):
        raise SidecarUnreadable("is no JSON object")
    return value
