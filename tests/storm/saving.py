"""What both kinds of save have in common: how they are sent, and what their keys hold."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.clients import Person
from tests.storm.answers import Answer
from tests.storm.fleet import Fleet
from tests.storm.library import Facts, Kept, Library, Unlike, expect_equal, facts_of, id_of
from tests.storm.sounds import File
from tests.storm.uploads import place_upload

FORM, JSON, PATH = "form", "json", "path"
WAYS = (FORM, JSON, PATH)


@dataclass(eq=False)
class Saving:
    """A save: `way` says how its audio comes, `number` is the operation's, unlike all others'.

    `fields` are those of the form but files; `sent` counts the times it was sent.
    """

    number: int
    person: Person
    audio: File
    way: str
    fields: dict[str, Any]
    key: str | None = None
    profile: File | None = None
    sent: int = 0
    first: dict[str, Any] | None = field(default=None, repr=False)

    kind = ""
    target = ""
    body_name = ""
    finishes = True
    ends_with_its_lease = True

    def drops(self, _library: Library, _other: object) -> bool:
        """Tell of nothing: two saves may meet, and each be kept."""
        return False

    @property
    def is_one_however_often(self) -> bool:
        """Tell whether sending it again makes nothing new."""
        return not self.fields.get("again")

    @property
    def path(self) -> str:
        """Return where the audio lies that is saved by its path."""
        return f"uploads/{self.person.uid}/take_{self.number}.wav"

    @property
    def content(self) -> str:
        """Return what tells it from others under one key."""
        left_out = ("replace", "again")
        said = {name: value for name, value in self.fields.items() if name not in left_out}
        files = [self.audio.sha256, self.profile and self.profile.sha256]
        return json.dumps([self.kind, self.way, files, said], sort_keys=True)

    def send(self, fleet: Fleet) -> Answer:
        """Send it, once more if it was sent before."""
        if self.way == PATH and not self.sent:
            place_upload(fleet.lab.bucket, self.path, self.audio.data)
        self.sent += 1
        answer = fleet.call(self.person, self.target, "POST", "/", **self.request())
        if answer.is_done and self.first is None:
            self.first = answer.body[self.body_name]
        return answer

    def request(self) -> dict[str, Any]:
        """Return body and headers, as httpx takes them."""
        headers = {"Idempotency-Key": self.key} if self.key else {}
        if self.way == FORM:
            files = {"audio_file": ("a.wav", self.audio.data, "audio/wav")}
            if self.profile:
                files["profile_file"] = ("p.npy", self.profile.data, "application/octet-stream")
            texts = {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in self.fields.items()
            }
            return {"headers": headers, "data": texts, "files": files}
        body = dict(self.fields)
        if self.way == PATH:
            body["audio_path"] = self.path
        else:
            body["audio_base64"] = base64.b64encode(self.audio.data).decode()
        if self.profile:
            body["profile_base64"] = base64.b64encode(self.profile.data).decode()
        return {"headers": headers, "json": body}

    def shown(self, answer: Answer) -> tuple[str, dict[str, Any]]:
        """Return the id and the facts of the item in an answer."""
        body = answer.body[self.body_name]
        return id_of(self.kind, body), facts_of(self.kind, body)

    def kept(self, library: Library) -> Kept | None:
        """Return what the key was used for. Raises Unlike when that is other content."""
        kept = library.keys.get((self.kind, self.key)) if self.key else None
        if kept is not None and kept.content != self.content:
            raise Unlike("its key was used for other content")
        return kept

    def replayed(self, library: Library, kept: Kept, answer: Answer) -> Library:
        """Return the library after the first answer came again. Raises Unlike."""
        item_id, shown = self.shown(answer)
        if not answer.replayed:
            raise Unlike("its key has an answer, and this is another")
        if kept.item_id.startswith("?"):
            library = library.moved(self.kind, kept.item_id, item_id)
        elif item_id != kept.item_id:
            raise Unlike(f"its key has made {kept.item_id}")
        if item_id in library.barred:
            raise Unlike("the consent to it was withdrawn, and its key tells of it")
        expect_equal(kept.facts, shown, "the first answer to its key")
        return library

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        if not answer.is_done:
            return self._refused(library, answer)
        kept = self.kept(library)
        if kept is not None:
            return self.replayed(library, kept, answer)
        item_id, shown = self.shown(answer)
        if answer.replayed:
            return self._known_again(library, item_id, shown)
        return self._done(library, item_id, shown)

    def _refused(self, library: Library, answer: Answer) -> Library:
        raise NotImplementedError

    def _known_again(self, library: Library, item_id: str, shown: Facts) -> Library:
        raise NotImplementedError

    def _done(self, library: Library, item_id: str, shown: Facts) -> Library:
        raise NotImplementedError

    def is_conflict(self, library: Library) -> bool:
        """Tell whether its key was used for other content."""
        kept = library.keys.get((self.kind, self.key)) if self.key else None
        return kept is not None and kept.content != self.content

    def misses_its_upload(self) -> bool:
        """Tell whether its upload may have been taken over by an earlier sending."""
        return self.way == PATH and self.sent > 1 and self.key is None


def made(audio: File, beside: File | None, **facts: Any) -> Facts:
    """Return the facts of a new item with these files."""
    size = len(audio.data) + (len(beside.data) if beside else 0)
    own = {"_audio_unknown": False}
    return {"audio": audio.sha256, "audio_ms": audio.audio_ms, "bytes": size, **facts, **own}
