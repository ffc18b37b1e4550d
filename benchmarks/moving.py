"""Taking a library of 500 MB along, and bringing it into another: memory, speed, every digest.

The server is the function on functions-framework, as on the platform; `/tmp` is counted in.
"""

import hashlib
import json
import secrets
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from benchmarks import api, recordings
from benchmarks.client import UnexpectedAnswer
from benchmarks.footprint import Footprint, footprint
from benchmarks.report import Reading, Result
from benchmarks.servers import Backends, Server, serving, serving_with_own_tmp
from benchmarks.shelf import Shelf
from local.auth_emulator import User, sign_up
from local.ports import HOST

ROUNDS = 1
_MB = 1e6
# 20 MB each of the recordings' 48,000 bytes a second: 500 MB together.
_LONG_S, _LONG = 417, 25
_TIMEOUT_S = 600.0
_IDLE_S = 0.3
_BLOCK_BYTES = 1024**2
# The emulator takes no more than 130 MB at once.
_PIECE_BYTES = 32 * 1024**2
_PART_BYTES = str(64 * 1024**2)
# The whole library in one part, which only the function's own address gives.
_EXPORT, _WHOLE = "/library/export", {"part_bytes": str(5 * 1024**3)}
# What the project asks for, beside idle, whatever the library's size.
_WANTED_MB = 64.0


@dataclass(frozen=True)
class _Run:
    """What one way took."""

    size_bytes: int
    time_s: float
    rise_mb: float
    items: int


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Measure so many exports and imports; the last ones count."""
    say(f"Saving {_LONG} recordings of 20 MB ...")
    _stock(backends, shelf)
    with tempfile.TemporaryDirectory(prefix="moving-") as folder:
        for _ in range(rounds):
            archive = Path(folder) / "library.zip"
            out = _export(backends, shelf, archive)
            say(f"  export: {out.rise_mb:.1f} MB above idle, {out.size_bytes / _MB:.0f} MB")
            back = _import(backends, _parts(backends, shelf.user, Path(folder)), archive)
            say(f"  import: {back.rise_mb:.1f} MB above idle, {back.items} items")
    size = f"{out.size_bytes / _MB:.0f} MB"
    return [
        Reading(f"rise of RSS + /tmp: export of {size}", out.rise_mb, "MB", _WANTED_MB),
        Reading(f"export of {size}", out.size_bytes / _MB / out.time_s, "MB/s"),
        Reading(f"rise of RSS + /tmp: import of {size}, one file of 20 MB", back.rise_mb, "MB"),
        Reading(f"import of {size}", back.size_bytes / _MB / back.time_s, "MB/s"),
        Reading(f"import of {size}: items", back.items / back.time_s, "items/s"),
        Reading("digests that differ after export and import", 0, "", 0),
    ]


def _stock(backends: Backends, shelf: Shelf) -> None:
    audio = recordings.recording(_LONG_S)
    with serving("tts_save", backends.function_environ()) as server:
        client = server.client(shelf.user.id_token)
        for number in range(_LONG):
            # The last sample differs, and with it the digest.
            file = audio[:-2] + number.to_bytes(2, "little")
            client.send(api.save_speech(shelf.voice_id, f"Recording {number}.", file), 201)


def _export(backends: Backends, shelf: Shelf, archive: Path) -> _Run:
    with (
        serving_with_own_tmp("library", backends.function_environ()) as (server, folder),
        _http(server, shelf.user) as http,
    ):
        _answer(http.get(_EXPORT, params={"voice_ids": shelf.voice_id}))
        idle = _idle(server, folder)
        started = time.perf_counter()
        with (
            footprint(server.process.pid, folder) as busy,
            archive.open("wb") as file,
            http.stream("GET", _EXPORT, params=_WHOLE) as answer,
        ):
            if answer.status_code != 200:
                answer.read()
                _answer(answer)
            for block in answer.iter_raw(_BLOCK_BYTES):
                file.write(block)
        time_s = time.perf_counter() - started
    digests = _digests(archive)
    return _Run(archive.stat().st_size, time_s, _rise(busy, idle), len(digests))


def _parts(backends: Backends, user: User, folder: Path) -> list[Path]:
    """Export in parts, for the import: the Storage emulator reads a whole object for each range."""
    parts: list[Path] = []
    query = {"part_bytes": _PART_BYTES}
    with (
        serving_with_own_tmp("library", backends.function_environ()) as (server, _),
        _http(server, user) as http,
    ):
        while True:
            answer = http.get(_EXPORT, params=query)
            _answer(answer)
            parts.append(folder / f"part-{len(parts)}.zip")
            parts[-1].write_bytes(answer.content)
            token = answer.headers.get("X-Next-Page-Token")
            if token is None:
                return parts
            query["page_token"] = token


def _import(backends: Backends, parts: list[Path], archive: Path) -> _Run:
    """Bring all parts into a new user's library, and hold what is there against the archive."""
    email = f"moved-{secrets.token_hex(4)}@voxshelf.example"
    user = sign_up(backends.auth, email, secrets.token_urlsafe())
    items, time_s = 0, 0.0
    with (
        serving_with_own_tmp("library", backends.function_environ()) as (server, folder),
        _http(server, user) as http,
    ):
        # The voice alone, by a body: it starts what decodes audio.
        _answer(http.post("/api/library/import", content=_voice_alone(parts[0]), headers=_ZIP))
        idle = _idle(server, folder)
        with footprint(server.process.pid, folder) as busy:
            for part in parts:
                body = {"archive_path": _upload(http, backends, user, part)}
                started, is_done = time.perf_counter(), False
                while not is_done:
                    report = _answer(http.post("/api/library/import", json=body))
                    body["token"], is_done = report["next_token"], report["done"]
                    items += len(report["results"])
                time_s += time.perf_counter() - started
        there = [item["audio"]["sha256"] for item in _listed(http)]
        if sorted(there) != sorted(_digests(archive)):
            raise UnexpectedAnswer("Not every digest arrived.")
    size_bytes = sum(part.stat().st_size for part in parts)
    return _Run(size_bytes, time_s, _rise(busy, idle), items)


def _listed(http: httpx.Client) -> Iterator[dict[str, Any]]:
    """All speech of a library; other parts of a measurement save to it, too."""
    query = {"page_size": "100"}
    while True:
        page = _answer(http.get("/api/tts/generations", params=query))
        yield from page["generations"]
        if page["next_page_token"] is None:
            return
        query["page_token"] = page["next_page_token"]


_ZIP = {"Content-Type": "application/zip"}


def _digests(archive: Path) -> list[str]:
    """The digests of all speech in an archive, from its bytes; each must be what its line says."""
    with zipfile.ZipFile(archive) as opened:
        lines = map(json.loads, opened.read("items.jsonl").splitlines())
        found = []
        for line in (line for line in lines if line["kind"] == "generation"):
            with opened.open(line["files"]["audio"]) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
            if digest != line["audio"]["sha256"]:
                raise UnexpectedAnswer(f"{line['id']} has another digest than its line says.")
            found.append(digest)
    return found


def _voice_alone(archive: Path) -> bytes:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(archive) as opened, zipfile.ZipFile(file, "w") as small:
            line = opened.read("items.jsonl").splitlines()[0]
            for name in ("voxshelf-export.json", *json.loads(line)["files"].values()):
                small.writestr(name, opened.read(name))
            small.writestr("items.jsonl", line)
        file.seek(0)
        return file.read()


def _upload(api_of_user: httpx.Client, backends: Backends, user: User, archive: Path) -> str:
    """Upload in pieces, as the Web SDK does it (its resumable protocol)."""
    size = archive.stat().st_size
    wanted = {"size_bytes": size, "content_type": "application/zip"}
    path = str(_answer(api_of_user.post("/api/uploads", json=wanted), 201)["upload"]["path"])
    url = f"http://{backends.storage}/v0/b/{backends.bucket}/o?name={quote(path, safe='')}"
    begin = {
        "Authorization": f"Bearer {user.id_token}",
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": str(size),
        "X-Goog-Upload-Header-Content-Type": "application/zip",
    }
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as http, archive.open("rb") as file:
        begun = http.post(url, headers=begin, json={"name": path, "contentType": "application/zip"})
        _answer(begun)
        while piece := file.read(_PIECE_BYTES):
            is_last = file.tell() == size
            headers = {
                "X-Goog-Upload-Command": "upload, finalize" if is_last else "upload",
                "X-Goog-Upload-Offset": str(file.tell() - len(piece)),
            }
            _answer(http.post(begun.headers["X-Goog-Upload-URL"], headers=headers, content=piece))
    return path


def _answer(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    if answer.status_code != status:
        raise UnexpectedAnswer(
            f"{answer.request.url.path}: {answer.status_code} {answer.text[:500]}"
        )
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    fields: dict[str, Any] = answer.json() if is_json else {}
    return fields


def _idle(server: Server, folder: Path) -> Footprint:
    with footprint(server.process.pid, folder) as idle:
        time.sleep(_IDLE_S)
    return idle


def _rise(busy: Footprint, idle: Footprint) -> float:
    return max(0, busy.together - idle.together) / _MB


@contextmanager
def _http(server: Server, user: User) -> Iterator[httpx.Client]:
    server.client()
    headers = {"Authorization": f"Bearer {user.id_token}"}
    url = f"http://{HOST}:{server.port}"
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S, trust_env=False) as client:
        yield client
