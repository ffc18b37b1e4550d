"""Renaming a voice that has spoken hundreds of the longest texts: its answer, and the rest."""

import json
import time
from collections.abc import Callable
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from benchmarks.client import Request
from benchmarks.heavy_texts import write_heavy
from benchmarks.reconciling import made_due, run_all
from benchmarks.report import Reading
from benchmarks.seeding import BEGIN
from benchmarks.servers import Backends, serving
from benchmarks.shelf import Shelf

ROUNDS = 1
_TEXTS = 511
_WANTED_S = 5.0


def measure(
    backends: Backends, shelf: Shelf, _rounds: int, say: Callable[[str], None]
) -> list[Reading]:
    """Rename, and let `reconcile` do the rest."""
    client = firestore.Client(project=backends.project)
    uid, environ = shelf.user.uid, backends.function_environ()
    voice = client.document("users", uid, "voices", shelf.voice_id)
    found: dict[str, Any] = voice.get().to_dict() or {}
    # As if the voice had been there before all that it has spoken.
    voice.update({"saved_at": BEGIN})
    voices = {shelf.voice_id: found["name"]}
    write_heavy(client, uid, voices, _TEXTS, say)
    body = json.dumps({"name": "Another name"}).encode()
    patch = Request(
        "PATCH", f"/api/voices/{shelf.voice_id}", body, {"Content-Type": "application/json"}
    )
    with serving("library", environ) as server:
        answered_s = server.client(shelf.user.id_token).timed(patch, 200)
    left = _under_old_name(client, uid, found["name"])
    say(f"  answered after {answered_s:.1f} s, {left} to go on with")
    made_due(client, uid)
    started = time.perf_counter()
    runs = run_all(environ, say)
    rest_s = time.perf_counter() - started
    forgotten = _under_old_name(client, uid, found["name"])
    return [
        Reading(f"rename of a voice with {_TEXTS} long texts", answered_s, "s", _WANTED_S),
        Reading("texts that it left to reconcile", left, ""),
        Reading("the rest by reconcile", rest_s, "s"),
        Reading("runs that it took", len(runs), ""),
        Reading("texts under the old name then", forgotten, "", 0),
    ]


def _under_old_name(client: firestore.Client, uid: str, name: str) -> int:
    under = FieldFilter("voice_name", "==", name)
    asked = client.collection("users", uid, "generations").where(filter=under)
    return len(list(asked.select([]).stream()))
