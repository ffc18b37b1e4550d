"""Saves on a warm function, beside the writes that cannot be left out."""

import base64
import io
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import google_crc32c
from google.cloud import firestore

from benchmarks.client import Request
from benchmarks.figures import Figure, Measure, interleaved
from benchmarks.servers import Backends, serving
from benchmarks.shelf import Shelf
from voxshelf.adapters.storage_api import StorageApi, storage_session

ROUNDS = 40
_WARM_UP = 5
_FIRESTORE_HOST = "FIRESTORE_EMULATOR_HOST"
VOICES_WANTED = 1.6
SPEECHES_WANTED = 1.5


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Figure]:
    """Measure `voices_save` and `tts_save`; every save is of a new name."""
    return compared(backends, shelf, rounds, say, "")


def compared(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None], note: str
) -> list[Figure]:
    """Measure both saves and their floors against `backends`; `note` ends the figures' names."""
    floor = Floor(backends)

    def beside(
        target: str, request: Callable[[str], Request], kind: str, files: Sequence[bytes]
    ) -> tuple[list[float], list[float]]:
        say(f"Warm {target}{note}:")
        with serving(target, backends.function_environ()) as server:
            client = server.client(shelf.user.id_token)
            answer = client.object(request(f"the model of the document{note}"), 201)
            document = floor.document("users", shelf.user.uid, f"{kind}s", answer[f"{kind}_id"])

            def save(number: int) -> float:
                return client.timed(request(f"warm {number}{note}"), 201)

            measures = [save, floor.write(f"{target}{note}", files, document)]
            ours, least = interleaved(measures, rounds, warm_up=_WARM_UP, say=say)
            return ours, least

    voices, two_uploads = beside(
        "voices_save", shelf.new_voice, "voice", [shelf.audio, shelf.profile]
    )
    speeches, one_upload = beside("tts_save", shelf.new_speech, "generation", [shelf.audio])
    return [
        Figure(
            f"warm voices_save, {_size(shelf.audio, shelf.profile)}{note}",
            voices,
            "two uploads at once, one commit",
            two_uploads,
            wanted=VOICES_WANTED,
        ),
        Figure(
            f"warm tts_save, {_size(shelf.audio)}{note}",
            speeches,
            "one upload, one commit",
            one_upload,
            wanted=SPEECHES_WANTED,
        ),
    ]


class Floor:
    """The same bytes and one document, written by the functions' own clients, and nothing else.

    That is the service's upload (one request a file, over kept connections) in two threads, then
    one commit: what is left when validation, reservation, quota and confirmation are taken away.
    """

    def __init__(self, backends: Backends) -> None:
        """Make the clients, which are warm after the first rounds."""
        self._storage = StorageApi(
            storage_session(emulated=True), f"http://{backends.storage}", backends.bucket
        )
        with _environ(_FIRESTORE_HOST, backends.firestore):
            self._firestore = firestore.Client(project=backends.project)
        self._beside = ThreadPoolExecutor(max_workers=1)

    def document(self, *path: str) -> Mapping[str, Any]:
        """The fields of a document that the function wrote."""
        fields: Mapping[str, Any] | None = self._firestore.document(*path).get().to_dict()
        if fields is None:
            raise LookupError(f"There is no document {'/'.join(path)}.")
        return fields

    def write(self, name: str, files: Sequence[bytes], document: Mapping[str, Any]) -> Measure:
        """Upload the files at the same time, then commit the document; all under new names."""
        checksums = [_crc32c(file) for file in files]

        def write_once(number: int) -> float:
            started = time.perf_counter()
            uploads = [
                (f"floor/{name}_{number}_{index}", file, checksum)
                for index, (file, checksum) in enumerate(zip(files, checksums, strict=True))
            ]
            beside = [self._beside.submit(self._upload, *upload) for upload in uploads[1:]]
            self._upload(*uploads[0])
            for upload in beside:
                upload.result()
            batch = self._firestore.batch()
            batch.create(self._firestore.document("floor", f"{name}_{number}"), dict(document))
            batch.commit()
            return time.perf_counter() - started

        return write_once

    def _upload(self, path: str, content: bytes, crc32c: str) -> None:
        resource = {
            "name": path,
            "contentType": "application/octet-stream",
            "cacheControl": "private, max-age=31536000, immutable",
            "crc32c": crc32c,
        }
        self._storage.create(io.BytesIO(content), len(content), resource)


def _crc32c(content: bytes) -> str:
    checksum = google_crc32c.value(content)
    return base64.b64encode(checksum.to_bytes(4, "big")).decode()


@contextmanager
def _environ(name: str, text: str) -> Iterator[None]:
    """Set a variable while the block runs, for a client that reads its server's address there."""
    before = os.environ.get(name)
    os.environ[name] = text
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _size(*files: bytes) -> str:
    return " + ".join(f"{len(content) / 1e6:.2f} MB" for content in files)
