"""What the owner's browser reads of a job, and what lies beside it; see `firestore_job_pairs`."""

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contracts.jobs_contract import CLONE, LIMITS, NOON, job
from tests.unit.test_job_documents import SHOWN
from voxshelf.adapters.firestore_jobs import FirestoreJobs
from voxshelf.adapters.job_documents import HIDDEN, hidden_of, shown_of
from voxshelf.core.jobs import Failure

pytestmark = pytest.mark.emulator

ORDER = {"voice_id", "name", "template_message", "language", "description", "tags", "consent"}


class Owner:
    """A user's browser: Node with the Web SDK, under the rules."""

    def __init__(self):
        node = shutil.which("node")
        assert node, "node is not on the PATH"
        self._process = subprocess.Popen(
            [node, Path(__file__).with_name("owner.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.uid = self._told()

    def _told(self):
        return json.loads(self._process.stdout.readline())

    def reads(self, kind, job_id):
        self._process.stdin.write(f"users/{self.uid}/{kind}/{job_id}\n")
        self._process.stdin.flush()
        return self._told()

    def leave(self):
        self._process.communicate(timeout=30)


@pytest.fixture(scope="module")
def owner():
    owner = Owner()
    yield owner
    owner.leave()


@pytest.fixture
def jobs(firestore_client):
    return FirestoreJobs(firestore_client)


LEASE = timedelta(minutes=6)
STATES = {
    "queued": lambda found, now: found.started("r-1", now),
    "running": lambda found, now: found.running(now),
    "saving": lambda found, now: found.timed(1, 2).saving("somebody", now, LEASE),
    "failed": lambda found, now: found.failed(Failure("quota_exceeded", "Full."), now, "ab" * 32),
}


def test_the_owners_browser_reads_nothing_of_a_job_that_is_not_his_business(jobs, owner):
    started = job("job_1", kind="clone", order=CLONE, recording="uploads/x/clone_1.wav")
    jobs.start(owner.uid, "job_1", lambda now: started, LIMITS, ["fingerprint"])
    hidden = {started.secret_sha256, started.recording}
    for state, change in STATES.items():
        changed = jobs.change(owner.uid, "job_1", change)
        assert jobs.job(owner.uid, "job_1") == changed
        read = owner.reads("jobs", "job_1")
        assert (read.keys(), read["state"]) == (SHOWN, state)
        assert read["order"].keys() == {*ORDER, "parameters"}
        assert not [secret for secret in hidden if secret in json.dumps(read)]
        assert owner.reads("job_secrets", "job_1") == "permission-denied"


@pytest.fixture
def uid(request):
    return f"user-{request.node.name}-{id(request)}"


@pytest.fixture
def old(jobs, firestore_client, uid):
    """Return an active job of the time when one document held all."""
    made, _ = jobs.start(uid, f"job_{uid}", lambda now: job(f"job_{uid}", now), LIMITS, ["a"])
    document = {**shown_of(made), **hidden_of(made)}
    del document["recording"]
    firestore_client.document("users", uid, "jobs", made.job_id).set(document)
    firestore_client.document("users", uid, "job_secrets", made.job_id).delete()
    return made


def test_a_job_whose_one_document_holds_all_is_read_like_any_other(jobs, uid, old):
    assert jobs.job(uid, old.job_id) == old
    assert jobs.find(old.job_id).job == old
    assert jobs.alike(uid, ["a"]) == old
    assert old in [owned.job for owned in jobs.due()]
    assert [one.job_id for one in jobs.jobs(uid, 5, None).items] == [old.job_id]


def test_what_is_hidden_goes_from_such_a_document_when_it_is_changed(
    jobs, firestore_client, uid, old
):
    changed = jobs.change(uid, old.job_id, lambda found, now: found.started("r-1", now))
    shown = firestore_client.document("users", uid, "jobs", old.job_id).get().to_dict()
    assert not HIDDEN & shown.keys()
    assert jobs.job(uid, old.job_id) == changed
    assert changed.secret_sha256 == old.secret_sha256


@pytest.mark.parametrize("many", [False, True], ids=["one", "all of a state"])
def test_both_documents_of_a_job_go_together(jobs, firestore_client, uid, many):
    made = job(f"job_{uid}", NOON, state="failed")
    jobs.start(uid, made.job_id, lambda now: made, LIMITS)
    beside = firestore_client.document("users", uid, "job_secrets", made.job_id)
    assert beside.get().exists
    if many:
        assert jobs.delete_ended(uid, ["failed"]) == [made]
    else:
        assert jobs.delete(uid, made.job_id) == made
    assert not beside.get().exists


def test_what_is_hidden_expires_with_its_job(jobs, firestore_client, uid):
    started, _ = jobs.start(uid, f"job_{uid}", lambda now: job(f"job_{uid}", now), LIMITS)
    ended = jobs.change(uid, started.job_id, lambda found, now: found.cancelled(now))
    beside = firestore_client.document("users", uid, "job_secrets", started.job_id).get().to_dict()
    assert beside["expires_at"] == ended.expires_at


def test_a_job_that_cannot_be_read_does_not_take_the_others_from_their_list(
    jobs, firestore_client, uid
):
    made = [job(f"job_{uid}_{n}", NOON + timedelta(seconds=n)) for n in (0, 2)]
    for one in made:
        jobs.start(uid, one.job_id, lambda now, one=one: one, LIMITS)
    broken = {"created_at": NOON + timedelta(seconds=1), "order": "none", "state": "queued"}
    firestore_client.document("users", uid, "jobs", "broken").set(broken)
    first = jobs.jobs(uid, 1, None)
    rest = jobs.jobs(uid, 1, first.next)
    assert [one.job_id for one in (*first.items, *rest.items)] == [made[1].job_id, made[0].job_id]
