"""Libraries of any size, written straight into Firestore as saves would leave them."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from google.cloud import firestore

from benchmarks.servers import Backends
from local.auth_emulator import User, sign_up
from voxshelf.adapters import documents
from voxshelf.core.audio import Audio
from voxshelf.core.items import Generation

# The most that one batch takes.
_BATCH = 500
_THREADS = 4
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=1)
_VOICES = ("Ada", "Zoë", "Łukasz")
_LANGUAGES = ("en", "de", "pl")
# Each third of a library has one of these, and every filter below finds about a third.
_PLACES = ("at the harbour", "on the mountain", "behind the old mill")
_TAGS = ("draft", "chapter one", "final")


def generation(number: int) -> Generation:
    """The generation of this number: the later, the newer."""
    kind = number % 3
    name = f"g{number:07}"
    at = BEGIN + number * STEP
    return Generation(
        generation_id=name,
        version=1,
        voice_id=f"voice_{kind}",
        voice_name=_VOICES[kind],
        text=f"Sentence number {number} was spoken early in the morning {_PLACES[kind]}.",
        language=_LANGUAGES[kind],
        audio=_audio(name),
        generation_time_s=1.5,
        parameters={"seed": number, "speed": 1.0},
        tags=(_TAGS[kind],),
        favorite=kind == 0,
        runpod_job_id=None,
        timestamp=f"{at:%Y%m%d_%H%M%S}",
        created_at=at,
        updated_at=at,
        saved_at=at,
    )


def _audio(name: str) -> Audio:
    return Audio(
        path=f"tts_generations/user/{name}.wav",
        token=secrets.token_hex(16),
        content_type="audio/wav",
        format="wav",
        size_bytes=240_044,
        sha256=secrets.token_hex(32),
        duration_s=5.0,
        sample_rate_hz=24_000,
        channels=1,
        peaks=secrets.token_bytes(200),
    )


def library(
    backends: Backends, client: firestore.Client, count: int, say: Callable[[str], None]
) -> User:
    """Make a user with so many generations."""
    email = f"bench-{secrets.token_hex(4)}@voxshelf.example"
    user = sign_up(backends.auth, email, secrets.token_urlsafe())
    say(f"Writing a library of {count} generations ...")
    starts = range(0, count, _BATCH)
    with ThreadPoolExecutor(_THREADS) as threads:
        for _ in threads.map(
            lambda start: write(client, user.uid, range(start, min(start + _BATCH, count))), starts
        ):
            pass
    client.document("users", user.uid).set({"generations": count})
    return user


def write(client: firestore.Client, uid: str, numbers: range) -> None:
    """Write the generations of these numbers, at most 500, at once."""
    collection, batch = client.collection("users", uid, "generations"), client.batch()
    for number in numbers:
        item = generation(number)
        fields = {**documents.from_item(item), "status": documents.READY}
        batch.set(collection.document(item.item_id), fields)
    batch.commit()
