"""Downloads over connections that break: a real server of the tests' own answers by a script."""

import base64
import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import google_crc32c
import pytest

from voxshelf.adapters.cloud_storage_objects import CloudStorageObjects
from voxshelf.adapters.storage_api import StorageApi, storage_session
from voxshelf.core.errors import NotFound, Unavailable

DATA = bytes(range(256)) * 4000
OTHER = DATA[:-1] + b"x"


def hash_of(data):
    checksum = base64.b64encode(google_crc32c.Checksum(data).digest()).decode()
    return f"crc32c={checksum},md5=any"


def whole():
    return 200, DATA, len(DATA), hash_of(DATA)


# Each row: the answers in turn, as status, body sent, declared length (None for none), hash.
BREAKING = {
    "it breaks off in the middle": [(200, DATA[:300_000], len(DATA), hash_of(DATA)), whole()],
    "it breaks off and the store tells no checksum": [
        (200, DATA[:300_000], len(DATA), ""),
        whole(),
    ],
    "nothing comes": [(200, b"", len(DATA), hash_of(DATA)), whole()],
    "it breaks off where no length is declared": [
        (200, DATA[:-1], None, hash_of(DATA)),
        (200, DATA, None, hash_of(DATA)),
    ],
    "other bytes come": [(200, OTHER, len(DATA), hash_of(DATA)), whole()],
    "the store is busy": [(503, b"busy", 4, ""), (429, b"slower", 6, ""), whole()],
    "a long answer is followed by the shorter right one": [
        (200, DATA + DATA, len(DATA) * 2, hash_of(DATA)),
        whole(),
    ],
}


@pytest.mark.parametrize("answers", BREAKING.values(), ids=BREAKING)
def test_a_broken_download_is_made_again_from_the_start(answers, scripted):
    store, server = scripted(answers)
    into = io.BytesIO(b"before")
    into.seek(6)
    store.download("uploads/u/a.wav", into)
    assert into.getvalue() == b"before" + DATA
    assert server.asked == len(answers)


def test_a_store_without_checksums_is_believed_by_the_length(scripted):
    store, _ = scripted([(200, DATA, len(DATA), "")])
    into = io.BytesIO()
    store.download("uploads/u/a.wav", into)
    assert into.getvalue() == DATA


def test_an_object_that_vanishes_between_attempts_is_missing(scripted):
    store, _ = scripted([(200, DATA[:9], len(DATA), ""), (404, b"", 0, "")])
    with pytest.raises(NotFound):
        store.download("uploads/u/a.wav", io.BytesIO())


def test_a_full_disk_is_not_taken_for_a_broken_connection(scripted):
    class FullDisk(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    store, server = scripted([whole(), whole()])
    with pytest.raises(OSError, match="No space"):
        store.download("uploads/u/a.wav", FullDisk())
    assert server.asked == 1


PIECE = DATA[:1000]
BREAKING_RANGES = {
    "it breaks off in the middle": [(206, PIECE[:300], 1000, ""), (206, PIECE, 1000, "")],
    "it breaks off where no length is declared": [
        (206, PIECE[:-1], None, ""),
        (206, PIECE, None, ""),
    ],
    "the store is busy": [(503, b"busy", 4, ""), (206, PIECE, 1000, "")],
}


@pytest.mark.parametrize("answers", BREAKING_RANGES.values(), ids=BREAKING_RANGES)
def test_a_broken_range_is_read_again(answers, scripted):
    store, server = scripted(answers)
    assert store.read("uploads/u/a.zip", 0, 1000) == PIECE
    assert server.asked == len(answers)


@pytest.mark.parametrize(
    "answer",
    [(206, PIECE[:-1], 999, ""), (200, DATA, len(DATA), ""), (416, b"", 0, "")],
    ids=["a shorter range", "the whole object", "no such range"],
)
def test_what_is_not_the_range_is_not_taken_for_it(answer, scripted):
    store, server = scripted([answer])
    with pytest.raises(Unavailable):
        store.read("uploads/u/a.zip", 0, 1000)
    assert server.asked == 1


@pytest.fixture
def scripted():
    """Start a server that gives these answers, and return a store on it."""
    opened = []

    def start(answers):
        server = HTTPServer(("127.0.0.1", 0), _Scripted)
        server.answers, server.asked = iter(answers), 0
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        session = storage_session(emulated=True)
        opened.append((server, thread, session))
        url = f"http://127.0.0.1:{server.server_port}"
        return CloudStorageObjects(StorageApi(session, url, "bucket")), server

    yield start
    for server, thread, session in opened:
        session.close()
        server.shutdown()
        thread.join()
        server.server_close()


class _Scripted(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        status, body, declared, checksum = next(self.server.answers)
        self.send_response(status)
        if declared is not None:
            self.send_header("Content-Length", str(declared))
        if checksum:
            self.send_header("X-Goog-Hash", checksum)
        self.end_headers()
        self.wfile.write(body)
        # HTTP/1.0: the connection ends with the answer, wherever that broke off.

    def log_message(self, *_):
        pass
