"""Requests that are made to do damage, eight of each at once, on one instance of 1 GiB.

One process serves all functions with the settings of a deployment; what it holds is counted as the
platform counts it, memory and `/tmp` together, and whoever exceeds it is killed. Another user saves
and lists meanwhile, and does what the API asks of clients: after a 503 he comes again when
`Retry-After` is over.

All of them take a quarter of an hour. HOSTILE_ONLY names some of them by words of their names, with
commas between: `HOSTILE_ONLY="chunked,results"`.
"""

import contextlib
import hashlib
import http.client
import os
import secrets
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from google.cloud import firestore

from benchmarks import api, hostile_audio, recordings, seeding
from benchmarks.client import Request
from benchmarks.footprint import Footprint, footprint
from benchmarks.hostile_requests import Hostile, Target, all_requests
from benchmarks.instance_limit import killed_over_limit
from benchmarks.keeping_store import file_of
from benchmarks.report import Listing, Reading, Result
from benchmarks.servers import Backends, Server, printing_addresses, serving
from benchmarks.shelf import Shelf
from local.auth_emulator import User, sign_up
from local.layout import ROOT
from local.ports import HOST
from voxshelf.adapters import documents

ROUNDS = 1
_MIB = 1024**2
_AT_ONCE = 8
_LIMIT_MIB, _WANTED_MIB = 1024, 700
_SAMPLE_EVERY_S = 0.02
_PIECE_BYTES = 64 * 1024
_GIVE_UP_AFTER_S = 90.0
_SOURCE = ROOT / "benchmarks" / "every_function.py"
_UPLOAD_BYTES = 190 * _MIB
_TEXTS, _LETTERS = 100, 50_000


@dataclass
class _Other:
    """What became of the other user's requests."""

    done: int = 0
    failed: int = 0
    refused: int = 0
    slowest_s: float = 0.0


@dataclass
class _Run:
    """One kind of request, and what it did."""

    name: str
    highest: Footprint = field(default_factory=Footprint)
    answers: Counter[str] = field(default_factory=Counter)
    other: _Other = field(default_factory=_Other)
    kills: int = 0

    def note_kill(self) -> None:
        """Note that the platform has killed the instance."""
        self.kills += 1

    @property
    def peak_mib(self) -> float:
        return self.highest.together / _MIB

    def line(self) -> str:
        answers = ", ".join(f"{count} x {answer}" for answer, count in sorted(self.answers.items()))
        other = f"other: {self.other.done} done, {self.other.failed} failed"
        return (
            f"{self.peak_mib:6.0f} MiB  {self.name} ({answers}; {other}, {self.other.refused} "
            f"refused, slowest {self.other.slowest_s:.1f} s{'; KILLED' if self.kills else ''})"
        )


class _Instance:
    """A process of all functions, which is started anew once it was killed or hangs."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ, self._running = environ, contextlib.ExitStack()
        self.server: Server | None = None
        self.folder = Path()

    def started(self, shelf: Shelf) -> Server:
        if self.server is None:
            self.folder = Path(tempfile.mkdtemp(prefix="hostile-"))
            self._running.callback(shutil.rmtree, self.folder, ignore_errors=True)
            environ = {**self._environ, "TMPDIR": str(self.folder)}
            self.server = self._running.enter_context(serving("every_function", environ, _SOURCE))
            self.server.client(shelf.user.id_token).send(shelf.new_speech("Warm."), 201)
        return self.server

    def end(self) -> None:
        self.server = None
        self._running.close()


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Send everything, and tell what each kind took at the most."""
    only = os.environ.get("HOSTILE_ONLY", "").split(",")
    runs: list[_Run] = []
    with (
        tempfile.TemporaryDirectory(prefix="hostile-store-") as folder,
        printing_addresses("benchmarks.keeping_store", folder) as (store,),
        printing_addresses("benchmarks.large_results") as (runpod,),
        contextlib.ExitStack() as ends,
    ):
        environ = {**backends.at(store, backends.firestore).function_environ(), **_jobs_at(runpod)}
        instance = _Instance(environ)
        ends.callback(instance.end)
        user = _attacker(backends, Path(folder), say)
        target = Target(user.uid, _voice_of(instance, shelf, user))
        for _ in range(rounds):
            for hostile in all_requests(target):
                if any(words in hostile.name for words in only):
                    runs.append(_run(instance, shelf, user, hostile))
                    say(f"  {runs[-1].line()}")
    worst = max(runs, key=lambda run: run.peak_mib)
    name = f"{len(runs)} hostile requests, {_AT_ONCE} at once"
    return [
        Reading(f"{name}: peak of RSS + /tmp", worst.peak_mib, "MiB", _WANTED_MIB),
        Reading(f"{name}: kills", sum(run.kills for run in runs), "", 0),
        Reading(f"{name}: another user's failures", sum(run.other.failed for run in runs), "", 0),
        Reading(f"{name}: another user's 503", sum(run.other.refused for run in runs), ""),
        Reading(f"{name}: his slowest", max(run.other.slowest_s for run in runs), "s"),
        Listing(f"{name}, by what they take", [r.line() for r in sorted(runs, key=_by_peak)]),
    ]


def _by_peak(run: _Run) -> float:
    return -run.peak_mib


def _jobs_at(address: str) -> dict[str, str]:
    return {
        "RUNPOD_BASE_URL": f"http://{address}",
        "RUNPOD_API_KEY": "of-nobody",
        "RUNPOD_CLONE_ENDPOINT": "clone",
        "RUNPOD_SPEECH_ENDPOINT": "speech",
        "PUBLIC_BASE_URL": f"http://{HOST}:9",
        "MAX_ACTIVE_JOBS": "100000",
        "MAX_JOBS_PER_DAY": "100000",
    }


def _attacker(backends: Backends, store: Path, say: Callable[[str], None]) -> User:
    """Make a user with long texts, large audio and large uploads."""
    say(f"Writing {_TEXTS} texts of {_LETTERS} letters ...")
    email = f"hostile-{secrets.token_hex(4)}@voxshelf.example"
    user = sign_up(backends.auth, email, secrets.token_urlsafe())
    client = firestore.Client(project=backends.project)
    sound = recordings.recording(20)
    for number in range(_TEXTS):
        item = seeding.generation(number)
        path = f"tts_generations/{user.uid}/{number}.wav"
        sha256 = hashlib.sha256(sound).hexdigest()
        audio = replace(item.audio, path=path, size_bytes=len(sound), sha256=sha256)
        file_of(store, path).write_bytes(sound)
        text = "".join(chr(0x4E00 + (number * 7 + place) % 20_000) for place in range(_LETTERS))
        fields = documents.from_item(replace(item, audio=audio, text=text))
        place = client.document("users", user.uid, "generations", item.item_id)
        place.set({**fields, "status": documents.READY})
    for number in range(_AT_ONCE + 1):
        upload = file_of(store, Target(user.uid, "").upload(number))
        upload.write_bytes(hostile_audio.sparse_wav(_UPLOAD_BYTES))
        os.truncate(upload, _UPLOAD_BYTES)
    return user


def _voice_of(instance: _Instance, shelf: Shelf, user: User) -> str:
    server = instance.started(shelf)
    request = api.save_voice("Attacked", recordings.recording(5), recordings.profile())
    voice_id: str = server.client(user.id_token).object(request, 201)["voice_id"]
    return voice_id


def _run(instance: _Instance, shelf: Shelf, user: User, hostile: Hostile) -> _Run:
    run, server = _Run(hostile.name), instance.started(shelf)
    requests = [hostile.request(number) for number in range(_AT_ONCE)]
    with (
        footprint(server.process.pid, instance.folder, _SAMPLE_EVERY_S) as run.highest,
        killed_over_limit(server, lambda: run.peak_mib > _LIMIT_MIB, run.note_kill),
        ThreadPoolExecutor(_AT_ONCE + 1) as clients,
    ):
        sent = [clients.submit(_attack, server, user, hostile, each) for each in requests]
        clients.submit(_use, server, shelf, run, sent).result()
        run.answers.update(answer.result() for answer in sent)
    if run.kills or run.answers["no answer"]:
        instance.end()
    return run


def _attack(server: Server, user: User, hostile: Hostile, request: Request) -> str:
    token = "" if hostile.is_anonymous else user.id_token
    return str(_send(server, token, request, is_chunked=hostile.is_chunked)[0] or "no answer")


def _use(server: Server, shelf: Shelf, run: _Run, attacks: list[Future[str]]) -> None:
    """Save and list like anybody until the attack is over, and once at least."""
    speech = recordings.recording(1)
    while not run.kills:
        save = api.save_speech(shelf.voice_id, secrets.token_hex(8), speech)
        for request in (save, api.list_generations(25)):
            started = time.monotonic()
            is_done = _obeying(server, shelf.user, request, run)
            run.other.slowest_s = max(run.other.slowest_s, time.monotonic() - started)
            run.other.done += is_done
            run.other.failed += not is_done
        if all(attack.done() for attack in attacks):
            return


def _obeying(server: Server, user: User, request: Request, run: _Run) -> bool:
    until = time.monotonic() + _GIVE_UP_AFTER_S
    while time.monotonic() < until:
        status, retry_after_s = _send(server, user.id_token, request)
        if status != 503:
            return status in {200, 201}
        run.other.refused += 1
        time.sleep(retry_after_s)
    return False


def _send(
    server: Server, token: str, request: Request, *, is_chunked: bool = False
) -> tuple[int, int]:
    """Return an answer's status and when to come again; 0 where there is no answer."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=_GIVE_UP_AFTER_S)
    body, headers = request.body, dict(request.headers or {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        if is_chunked and body is not None:
            pieces = (
                body[start : start + _PIECE_BYTES] for start in range(0, len(body), _PIECE_BYTES)
            )
            headers["Transfer-Encoding"] = "chunked"
            connection.request(request.method, request.path, pieces, headers, encode_chunked=True)
        else:
            connection.request(request.method, request.path, body, headers)
        answer = connection.getresponse()
        while answer.read(_PIECE_BYTES):
            pass
        return answer.status, int(answer.headers.get("Retry-After", 1))
    except (OSError, http.client.HTTPException):
        return 0, 1
    finally:
        connection.close()
