"""Saves on a warm function, beside the writes that cannot be left out."""

import io
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.storage import Client as StorageClient

from benchmarks.client import Request
from benchmarks.figures import Figure, Measure, interleaved
from benchmarks.servers import Backends, serving
from benchmarks.shelf import Shelf

ROUNDS = 30
_WARM_UP = 5


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Figure]:
    """Measure `voices_save` and `tts_save`; every save is of a new name."""
    floor = Floor(backends)

    def beside(
        target: str, request: Callable[[str], Request], item: str, files: Sequence[bytes]
    ) -> tuple[list[float], list[float]]:
        say(f"Warm {target}:")
        with serving(target, backends.function_environ()) as server:
            client = server.client(shelf.user.id_token)
            document = client.object(request("the model of the document"), 201)[item]

            def save(number: int) -> float:
                return client.timed(request(f"warm {number}"), 201)

            measures = [save, floor.write(target, files, document)]
            ours, least = interleaved(measures, rounds, warm_up=_WARM_UP, say=say)
            return ours, least

    voices, two_uploads = beside(
        "voices_save", shelf.new_voice, "voice", [shelf.audio, shelf.profile]
    )
    speeches, one_upload = beside("tts_save", shelf.new_speech, "generation", [shelf.audio])
    return [
        Figure(
            f"warm voices_save, {_size(shelf.audio, shelf.profile)}",
            voices,
            "two uploads at once, one commit",
            two_uploads,
            wanted=1.6,
        ),
        Figure(
            f"warm tts_save, {_size(shelf.audio)}",
            speeches,
            "one upload, one commit",
            one_upload,
            wanted=1.5,
        ),
    ]


class Floor:
    """The same bytes and one document, written by the functions' client libraries, in order."""

    def __init__(self, backends: Backends) -> None:
        """Make the clients, which are warm after the first rounds."""
        storage = StorageClient(
            project=backends.project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        )
        self._bucket = storage.bucket(backends.bucket)
        self._firestore = firestore.Client(project=backends.project)
        self._uploads = ThreadPoolExecutor(max_workers=2)

    def write(self, name: str, files: Sequence[bytes], document: Mapping[str, Any]) -> Measure:
        """Upload the files at the same time, then commit the document; all under new names."""

        def write_once(number: int) -> float:
            started = time.perf_counter()
            paths = [f"floor/{name}_{number}_{index}" for index in range(len(files))]
            list(self._uploads.map(self._upload, paths, files))
            batch = self._firestore.batch()
            batch.create(self._firestore.document("floor", f"{name}_{number}"), dict(document))
            batch.commit()
            return time.perf_counter() - started

        return write_once

    def _upload(self, path: str, content: bytes) -> None:
        self._bucket.blob(path).upload_from_file(
            io.BytesIO(content),
            size=len(content),
            content_type="application/octet-stream",
            if_generation_match=0,
        )


def _size(*files: bytes) -> str:
    return " + ".join(f"{len(content) / 1e6:.2f} MB" for content in files)
