"""The Storage rules runtime over the Google Cloud SDK's engine, driven as by firebase-tools."""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.cloud_sdk import CloudSdk
from local.java_programs import locate
from local.layout import ROOT
from local.program_source import STORAGE_RULES, SourceUnavailable

Message = dict[str, Any]

ANSWER_WITHIN_S = 20
GIB = 1024**3
RULES = """rules_version = '2';
service firebase.storage {
  match /b/{bucket}/o {
    match /own/{uid}/{name} {
      allow get: if request.auth.uid == uid;
      allow create: if resource == null && request.resource.size < 10;
    }
    match /member/{uid}/{name} {
      allow get: if firestore.get(/databases/(default)/documents/users/$(uid)).data.plan == 'gold';
      allow delete: if firestore.exists(/databases/(default)/documents/users/$(uid));
    }
    match /either/{uid} {
      allow get: if firestore.exists(/databases/(default)/documents/first/$(uid));
      allow get: if firestore.exists(/databases/(default)/documents/second/$(uid));
    }
    match /half/{uid} {
      allow get: if firestore.exists(/databases/(default)/documents/users/$(uid));
      allow get: if true;
    }
    match /typed/{uid} {
      allow get: if typed(firestore.get(/databases/(default)/documents/users/$(uid)).data);
    }
  }
}
function typed(data) {
  return data.none == null && data.yes == true && data.count == 9007199254740993
    && data.share == 0.5 && data.list[1] == 'b' && data.map.deep.deeper == 'x'
    && data.at == timestamp.date(2024, 2, 29) && data.place.latitude() == 51.5
    && data.empty.size() == 0 && data.nothing.keys().size() == 0
    && data.link == path('/databases/(default)/documents/users/a')
    && data.raw.toBase64() == 'AAEC';
}
"""


class Runtime:
    """The running adapter: lines go in, messages come out, each awaited for a limited time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Begin to collect what the process prints."""
        self.process = process
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def write(self, line: str) -> None:
        """Send one line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def send(self, message: Message) -> None:
        """Send one message."""
        self.write(json.dumps(message))

    def read(self) -> Message:
        """Return the next message."""
        answer: Message = json.loads(self._lines.get(timeout=ANSWER_WITHIN_S))
        return answer

    def drain(self) -> None:
        """Forget what was printed and not read."""
        while not self._lines.empty():
            self._lines.get_nowait()

    def ask(self, message: Message) -> Message:
        """Send one message and return the next one that comes."""
        self.send(message)
        return self.read()

    def answer_document(self, request_id: int, fields: Message | None) -> None:
        """Answer a question for a document: its fields, or None where it does not exist."""
        name = "projects/p/databases/(default)/documents/users/a"
        found = {"status": "ok", "result": {"name": name, "fields": fields}}
        missing = {"status": "not_found", "warnings": [], "errors": []}
        self.send({**(missing if fields is None else found), "id": request_id})


@pytest.fixture(scope="module")
def java_and_adapter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The Java to run on and the adapter, built from this checkout's sources."""
    build_folder = tmp_path_factory.mktemp("build")
    found = locate(build_folder, os.environ, print)
    try:
        adapter = CloudSdk(os.environ, print).make(STORAGE_RULES, build_folder)
    except SourceUnavailable as reason:
        # `locate` found a runtime, so it is not this adapter: nothing here is in use.
        pytest.skip(f"Firebase's own rules runtime is used instead of the adapter: {reason}")
    return found.java, adapter


@contextmanager
def started(java: Path, adapter: Path, folder: Path) -> Iterator[Runtime]:
    """An adapter as firebase-tools starts it, greeted, with `RULES` loaded under the name "0".

    `folder` is where it keeps its report of what was evaluated.
    """
    command = [str(java), "-Djava.security.manager=disallow", "-jar", str(adapter), "serve"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(folder)},
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            runtime = Runtime(process)
            assert runtime.read() == {"id": -1, "status": "ok"}
            loaded = runtime.ask(load_ruleset(0, RULES))
            assert loaded["result"] == {"rulesVersion": 2}, loaded
            yield runtime
        finally:
            process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of the stack that the shared adapter belongs to."""
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def shared_runtime(java_and_adapter: tuple[Path, Path], folder: Path) -> Iterator[Runtime]:
    """One adapter for the module, because each start takes a second or two."""
    with started(*java_and_adapter, folder) as runtime:
        yield runtime


@pytest.fixture
def runtime(shared_runtime: Runtime) -> Runtime:
    """The shared adapter without what an earlier test left unread."""
    shared_runtime.drain()
    return shared_runtime


def load_ruleset(request_id: int, content: str) -> Message:
    """A request to load rules under the name of its id."""
    source = {"files": [{"name": "storage.rules", "content": content}]}
    context = {"rulesetName": str(request_id), "source": source}
    return {"id": request_id, "action": "load_ruleset", "context": context}


def verify(
    request_id: int,
    path: str,
    method: str = "get",
    uid: str | None = None,
    before: Message | None = None,
    size: int | None = None,
    content_type: str = "audio/wav",
    ruleset: str = "0",
) -> Message:
    """A request to verify an operation of `uid` on an object of the bucket `b`."""
    nothing: Message = {"null_value": None}
    auth = nothing if uid is None else fields(uid={"string_value": uid})
    named = fields(size={"int_value": size}, contentType={"string_value": content_type})
    after = nothing if size is None else named
    variables = {
        "resource": before or nothing,
        "request": fields(auth=auth, resource=after),
    }
    context = {
        "rulesetName": ruleset,
        "service": "firebase.storage",
        "path": f"/b/b/o/{path}",
        "method": method,
        "variables": variables,
    }
    return {"id": request_id, "action": "verify", "context": context}


def fields(**values: Message) -> Message:
    """A map as firebase-tools writes it."""
    return {"map_value": {"fields": values}}


def assert_answered(answer: Message, request_id: int, *, permit: bool) -> None:
    """Hold an answer against what firebase-tools reads of it."""
    assert (answer["id"], answer["status"], answer["errors"]) == (request_id, "ok", [])
    assert answer["result"] == {"permit": permit}, answer


@pytest.mark.parametrize(
    ("request_", "permit"),
    [
        (verify(1, "own/ann/a.wav", uid="ann"), True),
        (verify(1, "own/ann/a.wav", uid="bob"), False),
        (verify(1, "own/ann/a.wav"), False),
        (verify(1, "own/ann/deeper/a.wav", uid="ann"), False),
        (verify(1, "own/ann/100%25 ж.wav", uid="ann"), True),
        (verify(1, "own/%61nn/a.wav", uid="ann"), False),
        (verify(1, "own/ann/a.wav", "list", uid="ann"), False),
        (verify(1, "own/ann/a.wav", "create", size=9), True),
        (verify(1, "own/ann/a.wav", "create", size=10), False),
        (verify(1, "own/ann/a.wav", "create", before=fields(), size=9), False),
        (verify(1, "own/ann/a.wav", "delete", uid="ann"), False),
    ],
    ids=[
        "owner",
        "stranger",
        "nobody, whose uid cannot be read",
        "one level too deep",
        "a name with a percent sign",
        "an escaped uid is another uid",
        "another method",
        "create",
        "create what is too large",
        "create over an object",
        "a method without a rule",
    ],
)
def test_a_rule_permits_or_denies(runtime: Runtime, request_: Message, permit: bool) -> None:
    assert_answered(runtime.ask(request_), 1, permit=permit)


def test_a_syntax_error_is_told_with_line_and_column(runtime: Runtime) -> None:
    rules = (
        "rules_version = '2';\nservice firebase.storage {\n"
        "  match /b/{bucket}/o { allow foo bar }\n}"
    )
    answer = runtime.ask(load_ruleset(11, rules))
    assert (answer["id"], answer["status"]) == (11, "ok")
    assert answer["errors"] == ["storage.rules:3:35 - Unexpected 'bar'."]
    # A ruleset that was refused does not exist.
    asked = verify(2, "own/ann/a.wav", uid="ann", ruleset="11")
    assert "no ruleset" in runtime.ask(asked)["errors"][0]


def test_a_warning_is_no_error(runtime: Runtime) -> None:
    rules = (
        "rules_version = '2';\nservice firebase.storage {\n"
        "  match /b/{bucket}/o { function unused() { return true; } }\n}"
    )
    answer = runtime.ask(load_ruleset(12, rules))
    assert answer["errors"] == []
    assert answer["result"] == {"rulesVersion": 2}
    assert [warning.split(" - ")[0] for warning in answer["warnings"]] == ["storage.rules:3:34"]


SLOT: Message = {
    "taken": {"nullValue": None},
    "open_until": {"timestampValue": "2026-01-02T12:00:00Z"},
    "size_bytes": {"integerValue": str(5 * GIB)},
    "content_type": {"stringValue": "application/zip"},
}
OWN_NAME = "inline; filename*=utf-8''slot"
# What rules see of an upload besides its size and type: nothing in the emulator; in Cloud Storage
# what it fills in for a client that says nothing.
SILENT: Message = {"metadata": {"map_value": {"fields": {}}}}
FILLED_IN: Message = {
    "metadata": {"null_value": None},
    "cacheControl": {"null_value": None},
    "contentLanguage": {"null_value": None},
    "contentEncoding": {"string_value": "identity"},
    "contentDisposition": {"string_value": OWN_NAME},
}


BEFORE, AFTER = "2026-01-02T11:59:59Z", "2026-01-02T12:00:00Z"
SAID = {
    "for how long it is cached": {"cacheControl": {"string_value": "public, max-age=31536000"}},
    "its language": {"contentLanguage": {"string_value": "en"}},
    "its encoding": {"contentEncoding": {"string_value": "gzip"}},
    "another name": {"contentDisposition": {"string_value": OWN_NAME + ".exe"}},
    "its disposition": {"contentDisposition": {"string_value": "attachment"}},
    "metadata": {"metadata": fields(mine={"string_value": "yes"})},
}
UPLOADS: dict[str, tuple[int, Message, str, Message | None, bool]] = {
    # More than any emulator can hold, so the project's own rules are asked without an upload.
    "as large as was asked for": (5 * GIB, SILENT, BEFORE, SLOT, True),
    "larger": (5 * GIB + 1, SILENT, BEFORE, SLOT, False),
    "too late": (1, SILENT, AFTER, SLOT, False),
    "without a slot": (1, SILENT, BEFORE, None, False),
    "nothing is shown": (1, {}, BEFORE, SLOT, True),
    "as Cloud Storage fills it in": (1, FILLED_IN, BEFORE, SLOT, True),
    **{
        f"that says {what}": (1, FILLED_IN | said, BEFORE, SLOT, False)
        for what, said in SAID.items()
    },
}


@pytest.mark.parametrize(
    ("size", "seen", "at", "slot", "permit"), UPLOADS.values(), ids=UPLOADS.keys()
)
def test_an_upload_fits_its_slot_and_says_nothing_of_how_it_is_served(
    runtime: Runtime, size: int, seen: Message, at: str, slot: Message | None, permit: bool
) -> None:
    """Asked of the engine, because the emulator does not show all of it to the rules."""
    assert not runtime.ask(load_ruleset(13, (ROOT / "storage.rules").read_text()))["errors"]
    asked = verify(1, "uploads/ann/slot", "create", "ann", ruleset="13")
    asked["context"]["variables"]["request"] = fields(
        auth=fields(uid={"string_value": "ann"}),
        time={"timestamp_value": at},
        resource=fields(
            size={"int_value": size}, contentType={"string_value": "application/zip"}, **seen
        ),
    )
    message = runtime.ask(asked)
    if "action" in message:
        place = "/databases/(default)/documents/users/ann/uploads/slot"
        assert message["context"] == {"path": place}
        runtime.answer_document(1, slot)
        message = runtime.read()
    assert_answered(message, 1, permit=permit)


def test_what_was_evaluated_is_reported_in_the_folder_of_the_stack(
    runtime: Runtime, folder: Path
) -> None:
    rules = (
        "rules_version = '2';\nservice firebase.storage {\n"
        "  match /b/{bucket}/o/{uid} { allow get: if request.auth != null && uid == 'ann'; }\n}"
    )
    runtime.ask(load_ruleset(14, rules))
    for path, uid in [("ann", None), ("ann", "ann"), ("ann", "ann"), ("bob", "bob")]:
        runtime.ask(verify(1, path, uid=uid, ruleset="14"))
    assert evaluated(rules, folder) == {
        "request.auth != null && uid == 'ann'": {True: 2, False: 2},
        "request.auth != null": {True: 3, False: 1},
        "request.auth": {"MAP_VALUE": 3, "NULL_VALUE": 1},
        "request": {"MAP_VALUE": 4},
        # Not evaluated for whoever is not signed in.
        "uid == 'ann'": {True: 2, False: 1},
        "uid": {"STRING_VALUE": 3},
    }


def evaluated(rules: str, folder: Path) -> dict[str, dict[str | bool, int]]:
    """What each reported expression came to, and how often, by the expression's text."""
    found = {}
    left = json.loads((folder / "storage-rule-coverage.json").read_text())["report"]
    while left:
        expression = left.pop()
        left += expression.get("children", [])
        at = expression["sourcePosition"]
        text = rules[at["currentOffset"] : at["endOffset"] + 1]
        counts = expression.get("values", [])
        # A value is an object of one member: its kind, and what it is.
        found[text] = {next(iter(each["value"].values())): each["count"] for each in counts}
    return found


@pytest.mark.parametrize(
    ("method", "document", "permit"),
    [
        ("get", {"plan": {"stringValue": "gold"}}, True),
        ("get", {"plan": {"stringValue": "free"}}, False),
        ("get", {}, False),
        ("get", None, False),
        ("delete", {}, True),
        ("delete", None, False),
    ],
    ids=["get", "get other", "get empty", "get missing", "exists", "exists not"],
)
def test_a_rule_may_ask_firestore(
    runtime: Runtime, method: str, document: Message | None, permit: bool
) -> None:
    question = runtime.ask(verify(7, "member/ann/a.wav", method))
    assert question == {
        "id": 7,
        "server_request_id": 7,
        "action": "fetch_firestore_document",
        "status": "ok",
        "context": {"path": "/databases/(default)/documents/users/ann"},
    }
    runtime.answer_document(7, document)
    assert_answered(runtime.read(), 7, permit=permit)


def test_an_id_is_escaped_for_the_url_it_becomes_part_of(runtime: Runtime) -> None:
    question = runtime.ask(verify(7, "member/a b?c#d%e/a.wav"))
    path = question["context"]["path"]
    assert path == "/databases/(default)/documents/users/a%20b%3Fc%23d%25e"


def test_every_kind_of_firestore_value_reaches_the_rule(runtime: Runtime) -> None:
    runtime.ask(verify(7, "typed/ann"))
    deep = {"mapValue": {"fields": {"deeper": {"stringValue": "x"}}}}
    link = "projects/p/databases/(default)/documents/users/a"
    runtime.answer_document(
        7,
        {
            "none": {"nullValue": None},
            "yes": {"booleanValue": True},
            "count": {"integerValue": "9007199254740993"},
            "share": {"doubleValue": 0.5},
            "list": {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}},
            "map": {"mapValue": {"fields": {"deep": deep}}},
            "at": {"timestampValue": "2024-02-29T00:00:00Z"},
            "place": {"geoPointValue": {"latitude": 51.5}},
            "empty": {"arrayValue": {}},
            "nothing": {"mapValue": {}},
            "link": {"referenceValue": link},
            "raw": {"bytesValue": "AAEC"},
        },
    )
    assert_answered(runtime.read(), 7, permit=True)


def test_a_request_that_waits_for_a_document_blocks_no_other(runtime: Runtime) -> None:
    assert runtime.ask(verify(1, "member/ann/a.wav"))["context"]["path"].endswith("/ann")
    assert runtime.ask(verify(2, "member/bob/a.wav"))["context"]["path"].endswith("/bob")
    assert_answered(runtime.ask(verify(3, "own/ann/a.wav", uid="ann")), 3, permit=True)
    runtime.answer_document(2, None)
    assert_answered(runtime.read(), 2, permit=False)
    runtime.answer_document(1, {"plan": {"stringValue": "gold"}})
    assert_answered(runtime.read(), 1, permit=True)


def test_many_requests_at_once_each_get_their_own_answer(runtime: Runtime) -> None:
    count = 300
    for number in range(count):
        runtime.send(verify(number, f"member/{number}/a.wav"))
    asked = {runtime.read()["id"] for _ in range(count)}
    for number in reversed(range(count)):
        plan = "gold" if number % 3 else "free"
        runtime.answer_document(number, {"plan": {"stringValue": plan}})
    answers = {answer["id"]: answer["result"]["permit"] for answer in read(runtime, count)}
    assert asked == set(range(count))
    assert answers == {number: bool(number % 3) for number in range(count)}


def read(runtime: Runtime, count: int) -> list[Message]:
    """The next messages."""
    return [runtime.read() for _ in range(count)]


def test_two_documents_of_one_request_are_asked_for_one_after_the_other(runtime: Runtime) -> None:
    """Both questions would bear the same id, and firebase-tools would drop the second one."""
    assert "/first/ann" in runtime.ask(verify(7, "either/ann"))["context"]["path"]
    assert_answered(runtime.ask(verify(8, "own/ann/a.wav", uid="ann")), 8, permit=True)
    runtime.answer_document(7, None)
    assert "/second/ann" in runtime.read()["context"]["path"]
    runtime.answer_document(7, {})
    assert_answered(runtime.read(), 7, permit=True)


def test_an_outcome_waits_for_the_document_that_was_asked_for(runtime: Runtime) -> None:
    """firebase-tools would take it for an answer to nothing, and never settle the request."""
    assert runtime.ask(verify(7, "half/ann"))["action"] == "fetch_firestore_document"
    assert_answered(runtime.ask(verify(8, "own/ann/a.wav", uid="ann")), 8, permit=True)
    runtime.answer_document(7, None)
    assert_answered(runtime.read(), 7, permit=True)


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"id": "seven", "action": "verify"}',
        "[" * 100_000,
    ],
    ids=["text", "list", "null", "string", "no id", "id of letters", "deep"],
)
def test_a_malformed_line_is_refused_and_the_next_one_served(runtime: Runtime, line: str) -> None:
    runtime.write(line)
    refused = runtime.read()
    assert (refused["id"], refused["status"]) == (-1, "error")
    assert refused["errors"]
    assert_answered(runtime.ask(verify(1, "own/ann/a.wav", uid="ann")), 1, permit=True)


@pytest.mark.parametrize(
    "message",
    [
        {"id": 5, "action": "verify"},
        {"id": 5, "action": "verify", "context": {"rulesetName": "absent"}},
        {"id": 5, "action": "load_ruleset", "context": {"rulesetName": "1"}},
        {"id": 5, "action": "dance"},
        {"id": 5, "status": "ok"},
        verify(5, "own/ann/a.wav", before={"no_such_value": 1}),
    ],
    ids=["no context", "no ruleset", "no source", "no such action", "unasked", "no such value"],
)
def test_a_request_that_cannot_be_served_still_settles(runtime: Runtime, message: Message) -> None:
    """By any status but "ok" firebase-tools would leave the upload behind it hanging."""
    refused = runtime.ask(message)
    assert (refused["id"], refused["status"]) == (5, "ok")
    assert refused["errors"]
    assert_answered(runtime.ask(verify(6, "own/ann/a.wav", uid="ann")), 6, permit=True)


def test_the_end_of_input_ends_the_process(
    java_and_adapter: tuple[Path, Path], tmp_path: Path
) -> None:
    with started(*java_and_adapter, tmp_path) as runtime:
        runtime.ask(verify(1, "member/ann/a.wav"))
        assert runtime.process.stdin is not None
        runtime.process.stdin.close()
        assert runtime.process.wait(timeout=ANSWER_WITHIN_S) == 0
