"""What a save writes into indexes: entries and bytes, now and with terms in every order."""

import json
import secrets
import string
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks import seeding
from benchmarks.index_entries import IndexedDocument
from benchmarks.report import Reading
from benchmarks.servers import Backends
from benchmarks.shelf import Shelf
from local.layout import ROOT
from voxshelf.adapters import documents
from voxshelf.core.items import Generation, Voice
from voxshelf.core.profile import Profile
from voxshelf.core.quality import Quality
from voxshelf.use_cases.ports import kind_of

ROUNDS = 1
INDEXES: dict[str, Any] = json.loads((ROOT / "firestore.indexes.json").read_text())
MAX_ENTRIES = 1_000
MAX_TAGS = 20
# As long as Firebase's own ids of users.
_UID = "u" * 28
_WORDS = 500


def measure(
    _backends: Backends, _shelf: Shelf, _rounds: int, _say: Callable[[str], None]
) -> list[Reading]:
    """Count by the rules; no emulator keeps indexes."""
    items: dict[str, Voice | Generation] = {
        f"a generation of {_WORDS} words": long_generation(()),
        f"a generation of {_WORDS} words and {MAX_TAGS} tags": long_generation(tags()),
        f"a voice of 1,000 characters and {MAX_TAGS} tags": long_voice(),
        "a generation of a sentence": spoken(),
    }
    return [reading for name, item in items.items() for reading in _costs(name, item)]


def _costs(name: str, item: Voice | Generation) -> tuple[Reading, Reading]:
    sizes, others = saved(item).entry_sizes(), in_every_order(saved(item)).entry_sizes()
    beside = "terms in every order"
    return (
        Reading(f"index entries of {name}", len(sizes), "", MAX_ENTRIES, beside, len(others)),
        Reading(f"their size, {name}", sum(sizes) / 1000, "kB", None, beside, sum(others) / 1000),
    )


def tags() -> tuple[str, ...]:
    """As many tags as an item may have, each as long as it may be."""
    return tuple(f"{number:02} {'x' * 47}" for number in range(MAX_TAGS))


def long_generation(tagged: tuple[str, ...]) -> Generation:
    """A generation whose text has 500 different words."""
    text = " ".join(f"word{number:03}" for number in range(_WORDS))
    return replace(spoken(), text=text, tags=tagged)


def spoken() -> Generation:
    """A generation with an id as saves make them, which each of its entries holds."""
    return replace(seeding.generation(0), generation_id="TTS_voice_ada_20260101_120000")


def long_voice() -> Voice:
    """A voice with all that it may have, at its limits."""
    saved_with = spoken()
    letters = string.ascii_lowercase
    words = [f"{letters[number % 26]}{letters[number // 26]}x" for number in range(250)]
    return Voice(
        voice_id=saved_with.voice_id,
        name="A name of some words",
        version=1,
        language="en",
        description=" ".join(words).ljust(1_000, "."),
        tags=tags(),
        favorite=False,
        template_message="t" * 5_000,
        sample=saved_with.audio,
        profile=Profile("p.npy", "t" * 32, 500, "ab" * 32, "<f4", (4, 25), False, True),
        quality=Quality("good", ("Too short.",), -1.5, -20.25, 0.0, 0.125, None),
        consent=None,
        parameters={f"p{number}": number for number in range(50)},
        runpod_job_id="r" * 36,
        source="api",
        generation_count=0,
        created_at=saved_with.created_at,
        updated_at=saved_with.updated_at,
        saved_at=saved_with.saved_at,
    )


def saved(item: Voice | Generation) -> IndexedDocument:
    """The document of an item, as its save leaves it."""
    fields = {
        **documents.from_item(item),
        "status": documents.READY,
        "fingerprint": secrets.token_hex(32),
        "saved_by": secrets.token_hex(16),
        "garbage": [],
    }
    return IndexedDocument(f"users/{_UID}/{kind_of(item)}/{item.item_id}", fields, INDEXES)


def in_every_order(document: IndexedDocument) -> IndexedDocument:
    """The same where an index of terms, tags among them, answers every search in every order."""
    fields = document.fields
    terms = [*fields["terms"], *(f"#{tag}" for tag in fields["tags"])]
    texts = dict.fromkeys(
        json.dumps(index).replace('"tags"', '"terms"') for index in document.indexes["indexes"]
    )
    indexes = {**document.indexes, "indexes": [json.loads(text) for text in texts]}
    return IndexedDocument(document.path, {**fields, "terms": terms}, indexes)
