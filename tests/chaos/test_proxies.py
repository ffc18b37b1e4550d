"""The proxies do to a call what their rules say, and nothing to any other."""

import time
from collections import Counter

import grpc
import httpx
import pytest
from google.api_core import exceptions
from google.cloud import firestore

from benchmarks.index_costs import long_generation
from tests.chaos import faults
from tests.chaos.bucket import Bucket
from tests.chaos.clients import voice_save
from tests.chaos.faults import EVER, Rule
from tests.chaos.round_trips import round_trips
from voxshelf.adapters.documents import from_item

pytestmark = pytest.mark.emulator
BODY = b"x" * 60_000
# Firestore's client would retry, and hide what the proxy did.
ONCE = {"retry": None, "timeout": 2.0}


@pytest.fixture
def store(clean):
    bucket = Bucket(clean.storage.address, clean.bucket_name)
    yield bucket
    bucket.close()


@pytest.fixture
def documents(clean, monkeypatch):
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", clean.firestore.address)
    client = firestore.Client(project=clean.project)
    yield client
    client.close()


@pytest.fixture
def path(clean):
    return f"voice_samples/{clean.person().uid}/a.wav"


def test_without_rules_storage_is_itself(clean, store, path):
    store.plant(path, BODY)
    assert store.read(path) == clean.bucket.read(path) == BODY
    assert list(store.names("voice_samples/")) == [path]
    store.remove(path)
    assert store.read(path) is None
    kinds = [entry.call.kind for entry in clean.board.journal()]
    assert kinds == ["upload", "download", "list", "delete", "download"]
    uid = path.split("/")[1]
    assert len(clean.board.journal(uid)) == 4


@pytest.mark.parametrize("status", [408, 429, 503])
def test_an_answer_of_its_own_forwards_nothing(clean, store, path, status):
    clean.board.add(Rule(faults.Answer(status), faults.UPLOAD))
    with pytest.raises(httpx.HTTPStatusError) as failed:
        store.plant(path, BODY)
    assert failed.value.response.status_code == status
    assert clean.bucket.read(path) is None
    store.plant(path, BODY)
    assert clean.bucket.read(path) == BODY


@pytest.mark.parametrize(
    "action", [faults.Reset(), faults.Reset(30_000), faults.Cut(30_000)], ids=str
)
def test_a_broken_upload_writes_nothing(clean, store, path, action):
    clean.board.add(Rule(action, faults.UPLOAD))
    with pytest.raises(httpx.TransportError):
        store.plant(path, BODY)
    assert clean.bucket.read(path) is None


def test_a_lost_answer_is_of_an_upload_that_happened(clean, store, path):
    clean.board.add(Rule(faults.LoseAnswer(), faults.UPLOAD))
    with pytest.raises(httpx.TransportError):
        store.plant(path, BODY)
    assert clean.bucket.read(path) == BODY


@pytest.mark.parametrize("action", [faults.Slow(0.4), faults.Throttle(150_000)], ids=str)
def test_a_slow_upload_arrives_late_and_whole(clean, store, path, action):
    clean.board.add(Rule(action, faults.UPLOAD))
    started = time.monotonic()
    store.plant(path, BODY)
    assert time.monotonic() - started >= 0.35
    assert clean.bucket.read(path) == BODY


def test_connections_are_refused_as_long_as_asked(clean, store, path):
    with clean.storage.refusing(), pytest.raises(httpx.ConnectError):
        store.plant(path, BODY)
    store.plant(path, BODY)
    assert clean.bucket.read(path) == BODY


def test_a_rule_of_one_user_and_number_leaves_all_others_alone(clean, store):
    mine, other = (f"voice_samples/{clean.person().uid}/a.wav" for _ in range(2))
    clean.board.add(
        Rule(faults.Answer(503), faults.UPLOAD, uid=mine.split("/")[1], first=2, times=1)
    )
    store.plant(mine, b"1")
    store.plant(other, b"1")
    with pytest.raises(httpx.HTTPStatusError):
        store.plant(mine, b"2")
    store.plant(mine, b"3")
    assert clean.bucket.read(mine) == b"3"


def test_without_rules_firestore_is_itself(clean, documents):
    uid = clean.person().uid
    reference = documents.document("users", uid)
    reference.create({"voices": 1})
    assert [s.to_dict() for s in documents.get_all([reference])] == [{"voices": 1}]
    assert [s.id for s in documents.collection("users").stream()] == [uid]
    assert documents.collection("users").count().get()[0][0].value == 1
    with pytest.raises(exceptions.AlreadyExists):
        reference.create({})
    kinds = [entry.call.kind for entry in clean.board.journal()]
    assert kinds == ["commit", "read", "query", "query", "commit"]
    assert [entry.call.kind for entry in clean.board.journal(uid)] == ["commit", "read", "commit"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.UNAVAILABLE, exceptions.ServiceUnavailable),
        (grpc.StatusCode.ABORTED, exceptions.Aborted),
        (grpc.StatusCode.DEADLINE_EXCEEDED, exceptions.DeadlineExceeded),
    ],
)
def test_a_status_of_its_own_forwards_no_commit(clean, documents, code, error):
    clean.board.add(Rule(faults.Fail(code), faults.COMMIT))
    reference = documents.document("users", clean.person().uid)
    with pytest.raises(error):
        reference.set({}, **ONCE)
    assert not clean.client.document(*reference.path.split("/")).get().exists
    reference.set({}, **ONCE)


def test_a_failing_read_fails_before_its_first_part(clean, documents):
    clean.board.add(Rule(faults.Fail(grpc.StatusCode.UNAVAILABLE), faults.READ, times=EVER))
    reference = documents.document("users", clean.person().uid)
    with pytest.raises(exceptions.ServiceUnavailable):
        list(documents.get_all([reference], **ONCE))


def test_a_lost_answer_is_of_a_commit_that_happened(clean, documents):
    clean.board.add(Rule(faults.LoseAnswer(), faults.COMMIT))
    reference = documents.document("users", clean.person().uid)
    with pytest.raises(exceptions.ServiceUnavailable):
        reference.set({"voices": 1}, **ONCE)
    assert clean.client.document(*reference.path.split("/")).get().exists


def test_a_slow_commit_arrives_after_its_client_has_gone(clean, documents):
    clean.board.add(Rule(faults.Slow(1.0), faults.COMMIT))
    reference = documents.document("users", clean.person().uid)
    with pytest.raises(exceptions.DeadlineExceeded):
        reference.set({}, retry=None, timeout=0.3)
    real = clean.client.document(*reference.path.split("/"))
    assert not real.get().exists
    time.sleep(1.2)
    assert real.get().exists


def test_a_kill_ends_the_processes_that_decode_audio_too(clean):
    victim = clean.victim("voices_save").ready()
    assert voice_save(clean.person()).send(victim, clean.ledger).status == 201
    # The arbiter, its worker, and at least one process that decodes.
    assert victim.alive() >= 3
    victim.kill()
    # The signal is sent to all at once; the system takes a moment to end them.
    deadline = time.monotonic() + 5
    while victim.alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert victim.alive() == 0


def test_a_save_takes_no_more_round_trips_than_agreed(clean):
    voice, _, speech = round_trips(clean)
    assert Counter(voice.calls) == {"read": 1, "query": 1, "commit": 2, "upload": 2}
    assert Counter(speech.calls) == {"read": 1, "commit": 2, "upload": 1}
    # Read, reserve while the bytes are on the way, confirm; 4 when the reservation was faster.
    assert {voice.one_after_another, speech.one_after_another} <= {3, 4}


@pytest.mark.parametrize("code", [grpc.StatusCode.ABORTED, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_a_failing_last_write_is_made_again(clean, code):
    person = clean.person()
    server = clean.faulty("voices_save")
    clean.board.add(Rule(faults.Fail(code), faults.COMMIT, uid=person.uid, first=2, times=3))
    assert voice_save(person).send(server, clean.ledger).status == 201


@pytest.fixture
def speeches(clean):
    """Return the paths of sixty generations of five hundred words."""
    uid = clean.person().uid
    generations = clean.client.collection("users", uid, "generations")
    for start in range(0, 60, 20):
        batch = clean.client.batch()
        for number in range(start, start + 20):
            fields = from_item(long_generation(()))
            batch.set(generations.document(f"g{number}"), {**fields, "status": "ready"})
        batch.commit()
    return [f"users/{uid}/generations/g{number}" for number in range(60)]


def test_a_commit_that_touches_too_much_is_refused_as_firestore_would(documents, speeches):
    def deleting(paths):
        batch = documents.batch()
        for path in paths:
            batch.update(documents.document(path), {"status": "deleting"})
        return batch

    def statuses():
        found = documents.get_all(map(documents.document, speeches), field_paths=["status"])
        return {snapshot.to_dict()["status"] for snapshot in found}

    # Of each, some 570 entries go and as many come, 113 kB a time.
    with pytest.raises(exceptions.InvalidArgument, match="Transaction too big"):
        deleting(speeches).commit()
    assert statuses() == {"ready"}
    deleting(speeches[:30]).commit()
    deleting(speeches[30:]).commit()
    assert statuses() == {"deleting"}


def test_a_commit_of_a_field_in_no_index_weighs_its_documents_alone(documents, speeches):
    batch = documents.batch()
    for path in speeches:
        batch.update(documents.document(path), {"text": "short"})
    batch.commit()
