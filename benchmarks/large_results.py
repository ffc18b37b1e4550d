"""A stand-in for RunPod whose every job has ended, with a result as large as it may be.

`python -m benchmarks.large_results` prints where it serves, and ends with its input. What a job
returned, its id tells: `audio-…` is 20 MB of base64, `nested-…` as many brackets.
"""

import json
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.ports import HOST

# The most that RunPod's `/runsync` returns.
_RESULT_BYTES = 20_000_000


def _audio() -> bytes:
    return b'{"audio_base64": "' + b"UklGRiQA" * (_RESULT_BYTES // 8) + b'"}'


def _nested() -> bytes:
    return b'{"pieces": [' + b"[]," * (_RESULT_BYTES // 3) + b"0]}"


def _numbers() -> bytes:
    return b'{"pieces": [' + b"1.5," * (_RESULT_BYTES // 4) + b"0]}"


_OUTPUTS: Mapping[str, Callable[[], bytes]] = {
    "audio": _audio,
    "nested": _nested,
    "numbers": _numbers,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        job_id = self.path.rsplit("/", 1)[-1]
        output = _OUTPUTS[job_id.partition("-")[0]]()
        head = json.dumps({"id": job_id, "status": "COMPLETED"})[:-1].encode() + b', "output": '
        self.send_response(200)
        self.send_header("Content-Length", str(len(head) + len(output) + 1))
        self.end_headers()
        for block in (head, output, b"}"):
            self.wfile.write(block)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing of each request."""


def main() -> None:
    """Serve until the input ends."""
    with ThreadingHTTPServer((HOST, 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{HOST}:{server.server_port}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
