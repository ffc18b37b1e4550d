"""One user's library as plain values: what was acknowledged, and what may be there instead.

Items are dictionaries of facts under the API's names, with digests in the place of files. Facts
whose names begin with `_` are the model's own, and no answer shows them. Nothing is ever changed
in place: each operation makes a new library.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Facts = Mapping[str, Any]
VOICES, SPEECHES = "voices", "generations"
_COMMON = ("version", "language", "favorite", "parameters", "runpod_job_id")


class Unlike(Exception):
    """An answer that this library cannot have given; the text says why."""


class Absent(Unlike):
    """An answer tells of an item that is not in this library."""


@dataclass(frozen=True)
class Trashed:
    """A deleted item that can come back; `by` is the deletion of the voice that it went with."""

    facts: Facts
    by: str | None = None


@dataclass(frozen=True)
class Kept:
    """What an idempotency key was used for, and the item that it made."""

    content: str
    item_id: str
    facts: Facts


@dataclass(frozen=True)
class Library:
    """What one user may see, restore and repeat.

    `repeats` tells for each content of speech which generation it made last; `barred` are the
    voices whose consent was withdrawn, with their names.
    """

    voices: Mapping[str, Facts] = field(default_factory=dict)
    generations: Mapping[str, Facts] = field(default_factory=dict)
    trash: Mapping[tuple[str, str], Trashed] = field(default_factory=dict)
    barred: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[tuple[str, str], Kept] = field(default_factory=dict)
    repeats: Mapping[str, str] = field(default_factory=dict)

    def items(self, kind: str) -> Mapping[str, Facts]:
        """Return the items that are shown, by their ids."""
        found: Mapping[str, Facts] = getattr(self, kind)
        return found

    def put(self, kind: str, item_id: str, facts: Facts) -> "Library":
        """Return the library with an item, which takes the place of what lay there."""
        trash = {place: one for place, one in self.trash.items() if place != (kind, item_id)}
        return replace(self, trash=trash, **{kind: {**self.items(kind), item_id: facts}})

    def drop(self, kind: str, item_id: str) -> "Library":
        """Return the library without an item, and without any trace of it."""
        trash = {place: one for place, one in self.trash.items() if place != (kind, item_id)}
        return replace(self, trash=trash, **{kind: _without(self.items(kind), item_id)})

    def throw(self, kind: str, item_id: str, by: str | None = None) -> "Library":
        """Return the library with an item in the trash."""
        trash = {**self.trash, (kind, item_id): Trashed(self.items(kind)[item_id], by)}
        return replace(self, trash=trash, **{kind: _without(self.items(kind), item_id)})

    def bring(self, kind: str, item_id: str) -> "Library":
        """Return the library with an item back from the trash."""
        return self.put(kind, item_id, self.trash[kind, item_id].facts)

    def keep(self, kind: str, key: str | None, kept: Kept) -> "Library":
        """Return the library with a key's first answer."""
        return self if key is None else replace(self, keys={**self.keys, (kind, key): kept})

    def holder(self, name: str) -> str | None:
        """Return the id of the voice that has a name."""
        return next((one for one, facts in self.voices.items() if facts["name"] == name), None)

    def place_for(self, name: str, own_id: str | None) -> str:
        """Return where a voice of a new name goes: past the places of other names."""
        stem = own_id or voice_id_for(name)
        for number in range(1, 200):
            place = stem if number == 1 else f"{stem}_{number}"
            trashed = self.trash.get((VOICES, place))
            names = {trashed.facts["name"]} if trashed else set()
            names |= {self.voices[place]["name"]} if place in self.voices else set()
            names |= {self.barred[place]} if place in self.barred else set()
            if names <= {name}:
                return place
        raise AssertionError(stem)

    def moved(self, kind: str, old: str, new: str) -> "Library":
        """Return the library with an item under another id, wherever it is named."""
        if old == new:
            return self

        def ids(items: Mapping[str, Facts]) -> dict[str, Facts]:
            return {new if one == old else one: facts for one, facts in items.items()}

        trash = {
            (kind, new) if place == (kind, old) else place: one for place, one in self.trash.items()
        }
        keys = {
            place: replace(kept, item_id=new) if kept.item_id == old else kept
            for place, kept in self.keys.items()
        }
        repeats = {text: new if one == old else one for text, one in self.repeats.items()}
        moved = {kind: ids(self.items(kind))}
        return replace(self, trash=trash, keys=keys, repeats=repeats, **moved)

    def identified(self, kind: str, shown: Mapping[str, Facts]) -> "Library":
        """Return the library with the ids of items whose answers never came, as they are shown.

        No other item has their audio, or where that is not known, their text or name.
        """
        unknown = [one for one in self.items(kind) if one.startswith("?")]
        found = self
        for item_id in unknown:
            mine = self.items(kind)[item_id]
            for new, facts in shown.items():
                if new not in found.items(kind) and is_the_same(kind, mine, facts):
                    found = found.moved(kind, item_id, new)
                    if mine["_audio_unknown"]:
                        filled = {**facts, **_own(mine), "_audio_unknown": False}
                        found = found.put(kind, new, filled)
                    break
        return found


def is_the_same(kind: str, mine: Facts, facts: Facts) -> bool:
    """Tell whether an item that is shown is the one whose id was never heard."""
    if not mine["_audio_unknown"]:
        return bool(mine["audio"] == facts["audio"] and mine["version"] == facts["version"])
    label = "name" if kind == VOICES else "text"
    return bool(mine[label] == facts[label])


def _without(items: Mapping[str, Facts], item_id: str) -> dict[str, Facts]:
    return {one: facts for one, facts in items.items() if one != item_id}


def _own(facts: Facts) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name.startswith("_")}


def voice_id_for(name: str) -> str:
    """Return the id that follows from one of the storm's names, which are plain ASCII."""
    return "voice_" + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def id_of(kind: str, body: Mapping[str, Any]) -> str:
    """Return the id of an item as the API shows it."""
    return str(body["voice_id" if kind == VOICES else "generation_id"])


def facts_of(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of an item as the API shows it."""
    facts = {name: body[name] for name in _COMMON}
    facts["tags"] = tuple(body["tags"])
    if kind == SPEECHES:
        audio = body["audio"]
        facts |= {name: body[name] for name in ("voice_id", "text")}
        sizes = audio["size_bytes"]
    else:
        audio, profile, consent = body["sample"], body["profile"], body["consent"]
        facts |= {name: body[name] for name in ("name", "description", "template_message")}
        facts["profile"] = profile and profile["sha256"]
        facts["consent"] = consent and (consent["statement"], consent["granted_by"])
        sizes = audio["size_bytes"] + (profile["size_bytes"] if profile else 0)
    ms = round(audio["duration_s"] * 1000)
    return facts | {"audio": audio["sha256"], "bytes": sizes, "audio_ms": ms}


def differences(mine: Facts, shown: Facts) -> list[str]:
    """Return how what is shown differs from the model."""
    return [
        f"{name} is {shown.get(name)!r}, not {value!r}"
        for name, value in mine.items()
        if not name.startswith("_") and shown.get(name) != value
    ]


def expect_equal(mine: Facts, shown: Facts, what: str) -> None:
    """Raise Unlike where an item is shown otherwise than it is."""
    if found := differences(mine, shown):
        raise Unlike(f"{what}: {'; '.join(found)}")
