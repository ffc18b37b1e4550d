"""Taking a library along, and bringing one in."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from tests.storm.answers import LOST, Answer
from tests.storm.fleet import Fleet
from tests.storm.library import (
    SPEECHES,
    VOICES,
    Facts,
    Library,
    Unlike,
    differences,
    expect_equal,
    facts_of,
    voice_id_for,
)
from tests.storm.requests import Request
from tests.storm.worlds import Stage

_KINDS = {"voice": VOICES, "generation": SPEECHES}
# What stops an import for a while; it is sent again from its beginning.
_PASSING = {"unavailable", "in_progress"}


class BadArchive(Exception):
    """An export is not whole; the text says how."""


def lines_of(archive: bytes) -> list[tuple[str, str, Facts]]:
    """Return kind, id and facts of each line of an archive. Raises BadArchive.

    The bytes of each file are held against the digest that its line says.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        lines = opened.read("items.jsonl").splitlines()
        found = []
        for line in map(json.loads, lines):
            kind = _KINDS[line["kind"]]
            for role, name in line["files"].items():
                digest = hashlib.sha256(opened.read(name)).hexdigest()
                if digest != line[role]["sha256"]:
                    raise BadArchive(f"{line['id']}: {role} has other bytes")
            facts = facts_of(kind, line) | {"_voice_name": line.get("voice_name")}
            if kind == SPEECHES:
                facts["_sample"] = line["voice_sample_sha256"]
            found.append((kind, line["id"], facts))
    return found


@dataclass(eq=False)
class Export(Request):
    """An export of everything, or of some items; all parts of it."""

    places: tuple[tuple[str, str], ...] = ()
    archives: tuple[bytes, ...] = ()

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"export {', '.join(map('/'.join, self.places)) or 'everything'}"

    def send(self, fleet: Fleet) -> Answer:
        """Fetch all parts."""
        ids = {
            "voice_ids": ",".join(one for kind, one in self.places if kind == VOICES),
            "generation_ids": ",".join(one for kind, one in self.places if kind == SPEECHES),
        }
        query = {name: text for name, text in ids.items() if text}
        parts: list[bytes] = []
        while True:
            answer = self.library_call(fleet, "GET", "/api/library/export", params=query)
            if not answer.is_done:
                return answer
            parts.append(answer.content)
            token = answer.headers.get("x-next-page-token")
            if token is None:
                self.archives = tuple(parts)
                return answer
            query["page_token"] = token

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        there = [place for place in self.places if place[1] in library.items(place[0])]
        if not answer.is_done:
            raise Unlike(f"it was refused: {answer}")
        try:
            lines = [line for archive in self.archives for line in lines_of(archive)]
        except (BadArchive, zipfile.BadZipFile, KeyError) as error:
            raise Unlike(f"the archive is not whole: {error!r}") from error
        for kind in (VOICES, SPEECHES):
            shown = {item_id: facts for one, item_id, facts in lines if one == kind}
            library = library.identified(kind, shown)
            mine = library.items(kind)
            wanted = {one for k, one in there if k == kind} if self.places else set(mine)
            if set(shown) != wanted:
                raise Unlike(f"{kind}: {sorted(set(shown) ^ wanted)} differ from what is there")
            for item_id, facts in shown.items():
                expect_equal(mine[item_id], facts, item_id)
        return library


@dataclass(eq=False)
class Import(Request):
    """The import of an archive, the user's own or another's."""

    archive: bytes = b""

    # Each line is a save of its own: a crash leaves some of them done.
    finishes = False

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"import {', '.join(f'{kind}/{one}' for kind, one, _ in self.lines)}"

    @cached_property
    def lines(self) -> list[tuple[str, str, Facts]]:
        """Return what is in it."""
        return lines_of(self.archive)

    @property
    def stages(self) -> Sequence[Stage]:
        """Return what it does when its answer is not heard: line by line."""
        return [partial(self._line, number) for number in range(len(self.lines))]

    def send(self, fleet: Fleet) -> Answer:
        """Send it, and again while it is stopped by what passes."""
        headers = {"Content-Type": "application/zip"}
        options: dict[str, Any] = {"content": self.archive, "headers": headers}
        answer = self.library_call(fleet, "POST", "/api/library/import", **options)
        codes = {one["code"] for one in answer.body.get("results", [])}
        return LOST if codes & _PASSING or not answer.body.get("done", True) else answer

    def _line(self, number: int, library: Library) -> Library:
        """Return the library after one line, if it can be brought in, else as it is."""
        kind, item_id, facts = self.lines[number]
        if kind == VOICES:
            name = facts["name"]
            if library.holder(name) is not None:
                return library
            place = library.place_for(name, item_id)
            if place in library.barred or self._is_same(library.voices.get(item_id), facts):
                return library
            return self._voice(library, place, facts, number)
        if self._has_speech(library, item_id, facts):
            return library
        speaker = self._speaker(library, facts)
        if speaker is None:
            return library
        free = item_id not in library.generations and (SPEECHES, item_id) not in library.trash
        saved_as = item_id if free else f"?{self.number}.{number}"
        return self._speech(library, saved_as, speaker, facts)

    def _is_same(self, there: Facts | None, facts: Facts) -> bool:
        files = {"audio": facts["audio"], "profile": facts.get("profile")}
        return there is not None and not differences(files, there)

    def _has_speech(self, library: Library, item_id: str, facts: Facts) -> bool:
        return any(
            one == item_id or one.startswith(f"{item_id[:100]}-")
            for one, mine in library.generations.items()
            if mine["audio"] == facts["audio"]
        )

    def _speaker(self, library: Library, facts: Facts) -> str | None:
        spoken_by = facts["voice_id"], library.holder(facts["_voice_name"])
        for voice_id in spoken_by:
            voice = library.voices.get(voice_id or "")
            if voice is not None and voice["audio"] == facts["_sample"]:
                return voice_id
        return None

    def _voice(self, library: Library, place: str, facts: Facts, number: int) -> Library:
        trashed = library.trash.get((VOICES, place))
        version = trashed.facts["version"] + 1 if trashed else 1
        of = trashed.facts["_of"] if trashed else f"{self.number}.{number}"
        own = {"version": version, "_of": of, "_audio_unknown": False}
        return library.put(VOICES, place, _shown(facts) | own)

    def _speech(self, library: Library, item_id: str, speaker: str, facts: Facts) -> Library:
        own = {"version": 1, "voice_id": speaker, "_of": library.voices[speaker]["_of"]}
        return library.put(SPEECHES, item_id, _shown(facts) | own | {"_audio_unknown": False})

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        if not answer.is_done:
            raise Unlike(f"it was refused: {answer}")
        for number, result in enumerate(answer.body["results"]):
            library = self._judged(library, number, result)
        return library

    def _judged(self, library: Library, number: int, result: Mapping[str, Any]) -> Library:
        kind, item_id, facts = self.lines[number]
        what, saved_as = f"{kind}/{item_id}", result["saved_as"]
        there = library.items(kind).get(saved_as or "")
        if result["status"] == "already_there":
            if not self._is_same(there, facts if kind == VOICES else {"audio": facts["audio"]}):
                raise Unlike(f"{what} is said to be there already")
            return library
        if result["status"] == "failed":
            if not self._may_fail(library, kind, item_id, facts, result["code"]):
                raise Unlike(f"{what} failed: {result['code']}, {result['message']}")
            return library
        if there is not None:
            raise Unlike(f"{what} took the place of {saved_as}")
        if kind == VOICES:
            if library.holder(facts["name"]) or saved_as in library.barred:
                raise Unlike(f"{what} could not be imported")
            return self._voice(library, saved_as, facts, number)
        speaker = self._speaker(library, facts)
        if speaker is None or self._has_speech(library, item_id, facts):
            raise Unlike(f"{what} could not be imported")
        return self._speech(library, saved_as, speaker, facts)

    def _may_fail(
        self, library: Library, kind: str, item_id: str, facts: Facts, code: str | None
    ) -> bool:
        if kind == SPEECHES:
            return code == "not_found" and self._speaker(library, facts) is None
        barred = {item_id, voice_id_for(facts["name"]), library.place_for(facts["name"], item_id)}
        return (code == "voice_exists" and library.holder(facts["name"]) is not None) or (
            code == "permission_denied" and bool(barred & set(library.barred))
        )


def _shown(facts: Facts) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if not name.startswith("_")}
