"""Save an old local folder through the API: `python -m voxshelf.migrate FOLDER`."""

import io
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

import httpx
from tqdm import tqdm

from voxshelf.migrate.acknowledged import Acknowledged
from voxshelf.migrate.folder import FolderUnusable, list_folder
from voxshelf.migrate.identity import Account, GivenToken, Identity, SignedIn, Stopped
from voxshelf.migrate.options import Options, read_options
from voxshelf.migrate.plan import make_plan
from voxshelf.migrate.report import Tally, shown_plan
from voxshelf.migrate.sending import Refused, Sender
from voxshelf.migrate.site import Site, body_of

COMPLETE, INCOMPLETE, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
# A save of 200 MiB is decoded before it is answered; Hosting ends every request after 60 s.
_TIMEOUT = httpx.Timeout(10, read=120, write=120)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def main(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Carry out one command line; return the exit code."""
    options = read_options(arguments, environ)
    try:
        plan = make_plan(list_folder(options.folder, options.owner))
    except FolderUnusable as error:
        _write(f"{error}\n", sys.stderr)
        return WRONG_USE
    if options.identity is None:
        _write(f"{shown_plan(plan)}\n")
        return INCOMPLETE if plan.problems else COMPLETE
    tally = Tally(plan)
    # A proxy of the environment must not get between two processes of this machine.
    is_local = httpx.URL(options.url).host in _LOOPBACK
    with httpx.Client(timeout=_TIMEOUT, transport=transport, trust_env=not is_local) as http:
        try:
            _run(options, http, tally, sleep)
            code = COMPLETE if tally.is_complete else INCOMPLETE
        except (Stopped, OSError, httpx.TransportError) as error:
            _write(f"Stopped: {error}\n", sys.stderr)
            code = INCOMPLETE
        except KeyboardInterrupt:
            _write("Interrupted.\n", sys.stderr)
            code = INTERRUPTED
    _write(f"{tally.summary()}\n")
    if code != COMPLETE:
        _write("Run the same command again to go on: what was sent is noted.\n")
    return code


def _run(
    options: Options, http: httpx.Client, tally: Tally, sleep: Callable[[float], None]
) -> None:
    """Send everything in order. Raises Stopped, OSError or KeyboardInterrupt on the way."""
    _check_service(options.url, http)
    identity = _identity(options, http)
    items = tally.plan.items
    with (
        Acknowledged(options.state, site=options.url, uid=identity.uid) as acknowledged,
        # Without a terminal the summary has to do.
        tqdm(items, unit="file", disable=None, file=sys.stderr) as bar,
    ):
        site = Site(options.url, http, identity, say=_say, sleep=sleep)
        sender = Sender(site, acknowledged, options.storage_url)
        missing = set[str]()
        for item in bar:
            if item.voice_id in missing:
                tally.not_sent(item, "its voice was not sent")
                continue
            try:
                tally.sent(item, sender.send(item))
            except Refused as error:
                tally.not_sent(item, str(error))
                if item.kind == "voice":
                    missing.add(item.voice_id)


def _check_service(url: str, http: httpx.Client) -> None:
    """Stop before any token is sent to what is no Voxshelf."""
    try:
        answer = http.get(f"{url}/api/health")
    except httpx.TransportError as error:
        raise Stopped(f"{url} cannot be reached: {error}") from None
    if body_of(answer).get("service") != "voxshelf":
        raise Stopped(f"{url} is no site of Voxshelf: give its address as --url.")


def _identity(options: Options, http: httpx.Client) -> Identity:
    if isinstance(options.identity, Account):
        return SignedIn(options.identity, http)
    return GivenToken(options.identity or "")


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


def _write(text: str, stream: TextIO | None = None) -> None:
    (stream or sys.stdout).write(text)


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names in any script must not end the report where the terminal knows one script only.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:], os.environ))
