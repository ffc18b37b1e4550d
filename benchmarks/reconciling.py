"""`reconcile` with heavy renames, thousands of purges, a broken document and jobs that are due."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from benchmarks.heavy_texts import write_heavy
from benchmarks.report import Listing, Reading, Result
from benchmarks.seeding import BEGIN, generation
from benchmarks.servers import Backends, ServerFailed, serving
from benchmarks.shelf import Shelf
from benchmarks.webhook import runpod_settings, speaker, start_speech
from local.ports import HOST
from local.runpod.process import running
from voxshelf.adapters import documents
from voxshelf.core.trash import Trash

ROUNDS = 1
_RENAMES = 500
_PURGES = 10_000
_JOBS = 5
_JOBS_WITHIN_S = 5.0
# The function's timeout (functions.yaml).
_RUN_WITHIN_S = 300.0
_MOST_RUNS = 12
_BATCH = 400
_LONG_AGO = datetime(2026, 1, 2, tzinfo=UTC)
_ENDS_WITHIN_S = 120.0


def measure(
    backends: Backends, shelf: Shelf, _rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Leave all of it to one schedule, and run until nothing is left."""
    client = firestore.Client(project=backends.project)
    with running(webhook_retries=0) as runpod:
        environ = {**backends.function_environ(), **runpod_settings(runpod)}
        job_ids = _due_jobs(backends, environ, client, shelf, say)
        _rename_heavy(client, f"heavy-{secrets.token_hex(4)}", say)
        _purge(client, f"purging-{secrets.token_hex(4)}", say)
        broken = {"unsettled_since": _LONG_AGO, "status": documents.DELETING}
        client.document("users", "broken", "voices", "old").set(broken)
        watch = _Watch(client, shelf.user.uid, job_ids)
        runs = run_all(environ, say, watch)
    say("  " + ", ".join(f"{seconds:.0f} s" for seconds, _ in runs))
    lines = [f"{seconds:.1f} s: {_said(counts)}" for seconds, counts in runs]
    slowest = max(seconds for seconds, _ in runs)
    return [
        Reading("reconcile: due jobs settled after", watch.settled_s, "s", _JOBS_WITHIN_S),
        Reading("reconcile: the slowest run", slowest, "s", _RUN_WITHIN_S),
        Reading("reconcile: all runs together", sum(seconds for seconds, _ in runs), "s"),
        Reading("reconcile: runs until nothing was left", len(runs), "", _MOST_RUNS),
        Listing(f"{_RENAMES} renames, {_PURGES} purges, {_JOBS} jobs, 1 broken document", lines),
    ]


class _Watch:
    """Looks when jobs have ended, beside a run."""

    def __init__(self, client: firestore.Client, uid: str, job_ids: Sequence[str]) -> None:
        self._jobs = client.collection("users", uid, "jobs")
        self._job_ids, self.settled_s = job_ids, float("inf")

    def follow(self) -> threading.Thread:
        """Begin to look; a daemon, so that nothing waits for jobs that never end."""
        thread = threading.Thread(target=self._look, daemon=True)
        thread.start()
        return thread

    def _look(self) -> None:
        started = time.perf_counter()
        while time.perf_counter() < started + _RUN_WITHIN_S:
            found = [self._jobs.document(one).get(["active"]).to_dict() for one in self._job_ids]
            if not any((one or {}).get("active") for one in found):
                self.settled_s = time.perf_counter() - started
                return
            time.sleep(0.1)


def run_all(
    environ: Mapping[str, str], say: Callable[[str], None], watch: _Watch | None = None
) -> list[tuple[float, dict[str, Any]]]:
    """Run `reconcile` until it has finished; return how long each run took, and its counts."""
    runs: list[tuple[float, dict[str, Any]]] = []
    timeout = httpx.Timeout(_RUN_WITHIN_S + 60)
    with serving("reconcile", environ) as server, httpx.Client(timeout=timeout) as http:
        server.client()
        while not runs or (runs[-1][1]["unfinished"] and len(runs) < _MOST_RUNS):
            following = watch.follow() if watch is not None and not runs else None
            started = time.perf_counter()
            answer = http.post(f"http://{HOST}:{server.port}/")
            seconds = time.perf_counter() - started
            if answer.status_code != 200:
                raise ServerFailed(f"reconcile: {answer.status_code}")
            if following is not None:
                following.join(timeout=1)
            runs.append((seconds, answer.json()))
            say(f"  run {len(runs)}: {seconds:.1f} s, {_said(answer.json())}")
    return runs


def made_due(client: firestore.Client, uid: str) -> None:
    """Have the notes of a user's renames be as old as leftovers are."""
    for note in client.collection("users", uid, "renamings").stream():
        note.reference.update({"since": _LONG_AGO})


def _said(counts: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {count}" for name, count in counts.items() if isinstance(count, int) and count
    )


def _due_jobs(
    backends: Backends,
    environ: Mapping[str, str],
    client: firestore.Client,
    shelf: Shelf,
    say: Callable[[str], None],
) -> list[str]:
    """Start jobs whose webhooks never come, wait until RunPod has their results; return them."""
    voice_id = speaker(backends, shelf)
    say(f"Speaking {_JOBS} times ...")
    with serving("tts_generate", environ) as server:
        asking = server.client(shelf.user.id_token)
        for number in range(_JOBS):
            start_speech(asking, voice_id, number)
    time.sleep(5)
    jobs = client.collection("users", shelf.user.uid, "jobs")
    found = list(jobs.where(filter=FieldFilter("active", "==", True)).stream())
    for job in found:
        job.reference.update({"due_at": _LONG_AGO})
    return [job.id for job in found]


def _rename_heavy(client: firestore.Client, uid: str, say: Callable[[str], None]) -> None:
    """Leave renames of a user, each with one of the longest texts."""
    voices = {f"voice_{number:03}": f"Voice {number}" for number in range(_RENAMES)}
    write_heavy(client, uid, voices, 1, say)
    account, batch = client.document("users", uid), client.batch()
    for voice_id, name in voices.items():
        note = {"voice_id": voice_id, "name": f"New {name}", "saved_at": BEGIN, "until": None}
        state = {"since": _LONG_AGO, "after": None, "complete": True, "done": False}
        seconds = (BEGIN - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        batch.set(account.collection("renamings").document(f"{voice_id}.{seconds}"), note | state)
    batch.update(account, {"renamings": len(voices)})
    batch.commit()


def _purge(client: firestore.Client, uid: str, say: Callable[[str], None]) -> None:
    """Leave generations of a user whose time in the trash is over; their files are gone."""
    say(f"Writing {_PURGES} generations that are to be purged ...")
    collection = client.collection("users", uid, "generations")
    for start in range(0, _PURGES, _BATCH):
        batch = client.batch()
        for number in range(start, min(start + _BATCH, _PURGES)):
            item = replace(generation(number), voice_id="voice_gone")
            trash = Trash(item, _LONG_AGO, _LONG_AGO)
            fields = {
                **documents.from_item(item),
                "status": documents.DELETING,
                "trash": documents.from_trash(trash),
                "unsettled_since": _LONG_AGO,
            }
            batch.set(collection.document(item.item_id), fields)
        batch.commit()
    client.document("users", uid).set({"generations": 0})
