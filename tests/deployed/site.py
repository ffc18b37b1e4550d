"""Hosting's place before the functions: one address whose paths lead where firebase.json says."""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from local.layout import ROOT
from local.ports import HOST

_TIMEOUT_S = 60.0
# What concerns one connection alone, or is said anew of a body that httpx has unpacked.
_NOT_PASSED_ON = {"connection", "host", "transfer-encoding", "content-length", "content-encoding"}


@contextmanager
def serving_site(address_of: Callable[[str], str]):
    """Serve while the block runs; yields the site's URL. `address_of` finds a function by name."""
    rewrites = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]

    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as functions:

        class Rewriting(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                url = address_of(_target(self.path, rewrites)) + self.path
                headers = _passed_on(self.headers.items())
                answer = functions.request(self.command, url, content=body, headers=headers)
                self.send_response(answer.status_code)
                for name, text in _passed_on(answer.headers.multi_items()):
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            # The names are those of the base class.
            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_facts):
                pass

        with ThreadingHTTPServer((HOST, 0), Rewriting) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://{HOST}:{server.server_port}"
            server.shutdown()


def _target(path, rewrites):
    """The function of the first rewrite that matches, as Hosting decides it."""
    path = path.partition("?")[0]
    for rewrite in rewrites:
        start = rewrite["source"].removesuffix("**")
        if path == rewrite["source"] or (start != rewrite["source"] and path.startswith(start)):
            return rewrite["function"]["functionId"]
    raise LookupError(path)


def _passed_on(headers):
    return [(name, text) for name, text in headers if name.lower() not in _NOT_PASSED_ON]
