"""Reading: single items, lists by pages and filters, usage, and what is not one's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.storm.answers import Answer
from tests.storm.fleet import Fleet
from tests.storm.library import (
    VOICES,
    Facts,
    Library,
    Unlike,
    expect_equal,
    facts_of,
    id_of,
)
from tests.storm.requests import BODY_NAMES, PATHS, Request, refused


@dataclass(eq=False)
class Read(Request):
    """One item, as it is shown."""

    kind: str = VOICES
    item_id: str = ""

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"read {self.kind} {self.item_id}"

    def send(self, fleet: Fleet) -> Answer:
        """See `Request`."""
        return self.library_call(fleet, "GET", f"{PATHS[self.kind]}/{self.item_id}")

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        if not answer.is_done:
            refused(answer, not_found=self.item_id not in library.items(self.kind))
            return library
        shown = facts_of(self.kind, answer.body[BODY_NAMES[self.kind]])
        library = library.identified(self.kind, {self.item_id: shown})
        facts = library.items(self.kind).get(self.item_id)
        if facts is None:
            raise Unlike("it is shown, and is not there")
        expect_equal(facts, shown, "the item as it is shown")
        return library


@dataclass(eq=False)
class Listing(Request):
    """A whole list, page by page; `query` filters and sorts."""

    kind: str = VOICES
    query: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"list {self.kind} {self.query}"

    def send(self, fleet: Fleet) -> Answer:
        """Fetch all pages; the answer is the last, with the items of all."""
        items: list[Any] = []
        token = None
        while True:
            query = self.query | ({"page_token": token} if token else {})
            answer = self.library_call(fleet, "GET", PATHS[self.kind], params=query)
            if not answer.is_done:
                return answer
            items += answer.body[self.kind]
            token = answer.body["next_page_token"]
            if token is None:
                return Answer(200, {**answer.body, "items": items})

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        if not answer.is_done:
            raise Unlike(f"it was refused: {answer}")
        bodies = {id_of(self.kind, body): body for body in answer.body["items"]}
        if len(bodies) != len(answer.body["items"]):
            raise Unlike("an item is listed twice")
        shown = {item_id: facts_of(self.kind, body) for item_id, body in bodies.items()}
        library = library.identified(self.kind, shown)
        mine = library.items(self.kind)
        for item_id, facts in shown.items():
            if item_id not in mine:
                raise Unlike(f"{item_id} is listed, and is not there")
            expect_equal(mine[item_id], facts, item_id)
            if not self._admits(facts) or not self._finds(bodies[item_id]):
                raise Unlike(f"{item_id} is listed, and does not pass {self.query}")
        missing = {
            item_id
            for item_id, facts in mine.items()
            if item_id not in shown and self._must_list(facts)
        }
        if missing:
            raise Unlike(f"{', '.join(sorted(missing))} should be listed")
        return library

    def _must_list(self, facts: Facts) -> bool:
        if facts["_audio_unknown"]:
            # What it says is not known either.
            return not self._is_filtered
        return self._admits(facts) and self._finds(facts)

    @property
    def _is_filtered(self) -> bool:
        return bool(self.query.keys() - {"page_size", "sort", "order"})

    def _admits(self, facts: Facts) -> bool:
        wanted = {
            "language": lambda value: facts["language"] == value,
            "tag": lambda value: value in facts["tags"],
            "favorite": lambda value: facts["favorite"] == (value == "true"),
            "voice_id": lambda value: facts["voice_id"] == value,
        }
        return all(wanted[name](self.query[name]) for name in wanted if name in self.query)

    def _finds(self, item: Mapping[str, Any]) -> bool:
        """Tell whether an item has the word that is looked for; all that is said of it counts."""
        said = [item.get(name) for name in ("name", "description", "voice_name", "text")]
        text = " ".join([*(one for one in said if one), *item["tags"]]).lower()
        return str(self.query.get("search", "")) in text


@dataclass(eq=False)
class Usage(Request):
    """The counters, as the API shows them."""

    def __str__(self) -> str:
        """Return what stands in a report."""
        return "read the usage"

    def send(self, fleet: Fleet) -> Answer:
        """See `Request`."""
        return self.library_call(fleet, "GET", "/api/library/usage")

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        if not answer.is_done:
            raise Unlike(f"it was refused: {answer}")
        items = [*library.voices.values(), *library.generations.values()]
        if any(facts["_audio_unknown"] for facts in items):
            return library
        totals = {
            "voices": len(library.voices),
            "generations": len(library.generations),
            "bytes": sum(facts["bytes"] for facts in items),
            "audio_s": sum(facts["audio_ms"] for facts in items) / 1000,
        }
        expect_equal(totals, answer.body["totals"], "the totals")
        return library


@dataclass(eq=False)
class Stranger(Request):
    """Another user's item, in any request: as if it were not there."""

    method: str = "GET"
    path: str = ""

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"{self.method} {self.path} of another user"

    def send(self, fleet: Fleet) -> Answer:
        """See `Request`."""
        options = {"json": {"favorite": True}} if self.method == "PATCH" else {}
        return self.library_call(fleet, self.method, self.path, **options)

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        if answer.status != 404:
            raise Unlike(f"what is another's was answered {answer}")
        return library


@dataclass(eq=False)
class Nonsense(Request):
    """A request that must be refused, and change nothing."""

    target: str = "voices_save"
    options: dict[str, Any] = field(default_factory=dict)
    expected: tuple[int, ...] = (400,)

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"nonsense for {self.target}"

    def send(self, fleet: Fleet) -> Answer:
        """See `Request`."""
        return fleet.call(self.person, self.target, "POST", "/", **self.options)

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        if answer.status not in self.expected:
            raise Unlike(f"nonsense was answered {answer}")
        return library
