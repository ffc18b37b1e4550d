"""Edits, and new addresses for files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.storm.answers import Answer
from tests.storm.fleet import Fleet
from tests.storm.library import VOICES, Library, Unlike, expect_equal, facts_of
from tests.storm.requests import BODY_NAMES, PATHS, Request, refused
from tests.storm.worlds import Stage

_HOST = re.compile(r"http://[0-9.]+:[0-9]+")


@dataclass(eq=False)
class Edit(Request):
    """The edit of an item; `version` is the one that it is for, where it says so."""

    kind: str = VOICES
    item_id: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    version: int | None = None

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"edit {self.kind} {self.item_id}: {self.changes}, version {self.version}"

    @property
    def stages(self) -> Sequence[Stage]:
        """Return what it does when its answer is not heard."""
        return (self._happened,)

    def send(self, fleet: Fleet) -> Answer:
        """See `Request`."""
        body = self.changes | ({} if self.version is None else {"version": self.version})
        path = f"{PATHS[self.kind]}/{self.item_id}"
        return self.library_call(fleet, "PATCH", path, json=body)

    def _happened(self, library: Library) -> Library | None:
        facts = library.items(self.kind).get(self.item_id)
        if facts is None or self._takes_a_name(library):
            return None
        if self.version not in (None, facts["version"]):
            return None
        changes = {
            name: tuple(value) if name == "tags" else value for name, value in self.changes.items()
        }
        if all(facts[name] == value for name, value in changes.items()):
            return library
        edited = {**facts, **changes, "version": facts["version"] + 1}
        return library.put(self.kind, self.item_id, edited)

    def _takes_a_name(self, library: Library) -> bool:
        name = self.changes.get("name")
        return name is not None and library.holder(name) not in (None, self.item_id)

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        facts = library.items(self.kind).get(self.item_id)
        if answer.is_done:
            after = self._happened(library)
            if after is None:
                raise Unlike("it could not be edited so")
            shown = facts_of(self.kind, answer.body[BODY_NAMES[self.kind]])
            expect_equal(after.items(self.kind)[self.item_id], shown, "the item after the edit")
            return after
        refused(
            answer,
            not_found=facts is None,
            version_conflict=bool(facts) and self.version not in (None, facts["version"]),
            voice_exists=self._takes_a_name(library),
        )
        return library


@dataclass(eq=False)
class Renew(Request):
    """New addresses for an item's files; `before` were the old ones, which end with it."""

    kind: str = VOICES
    item_id: str = ""
    before: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"renew the addresses of {self.kind} {self.item_id}"

    def send(self, fleet: Fleet) -> Answer:
        """See `Request`."""
        path = f"{PATHS[self.kind]}/{self.item_id}"
        seen = self.library_call(fleet, "GET", path)
        if seen.is_done:
            body = seen.body[BODY_NAMES[self.kind]]
            self.before = tuple(urls_of(body))
        return self.library_call(fleet, "POST", f"{path}/urls/renew")

    @property
    def stages(self) -> tuple[Stage, ...]:
        """It holds the item until its lease is over, and comes to nothing that is shown."""
        return (lambda _: None,)

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        facts = library.items(self.kind).get(self.item_id)
        if answer.is_done:
            if facts is None:
                raise Unlike("it is not there")
            body = answer.body[BODY_NAMES[self.kind]]
            expect_equal(facts, facts_of(self.kind, body), "the item with new addresses")
        else:
            refused(answer, not_found=facts is None)
        return library


def urls_of(body: dict[str, Any]) -> list[str]:
    """Return the addresses of an item's files, as they are behind any host."""
    files = [body.get(name) for name in ("sample", "profile", "audio")]
    return [without_host(file["url"]) for file in files if file]


def without_host(text: str) -> str:
    """Return a text without the hosts in it: each function sees Storage at a proxy of its own."""
    return _HOST.sub("", text)
