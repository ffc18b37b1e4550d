"""Jobs on RunPod, against the real functions in processes of their own."""

import secrets
import time

import pytest

from local.layout import ROOT
from local.local_secrets import ensure_runpod_api_key
from tests.chaos import job_storm
from tests.chaos.faults import DOWNLOAD
from tests.chaos.job_checks import leaks
from tests.chaos.job_clients import ENDED
from tests.chaos.job_lab import JobLab
from tests.chaos.report import table

pytestmark = [pytest.mark.emulator, pytest.mark.slow]


def test_jobs_in_a_storm_end_with_one_item_or_a_reason(lab):
    results = list(job_storm.storm(lab, count=24, seed=5))
    print(table(results), results[0].answers)
    assert not any(result.failed for result in results), f"\n{table(results)}"


@pytest.fixture(scope="module")
def site(lab):
    lab.clear()
    with JobLab(lab) as opened:
        yield opened


class Speaker:
    """A user who speaks with a voice of his."""

    def __init__(self, site):
        self.site = site
        self.person, self.voice_id = site.speaker()

    def starts(self, *, fault=None):
        """Start to speak; return the job."""
        self.site.runpod.control("faults", {"queue": [fault] if fault else []})
        body = {"voice_id": self.voice_id, "text": f"Sentence {secrets.token_hex(6)}"}
        outcome = self._call("tts_generate", "POST", "/api/tts/generate", json=body)
        assert outcome.status == 202, outcome
        return outcome.body["job"]

    def speaks(self):
        """Speak; return the job when its webhook has ended it."""
        return self.ends(self.starts())

    def ends(self, job):
        until(lambda: self.document(job)["state"] in ENDED)
        return self.sees(job)

    def sees(self, job):
        outcome = self._call("jobs", "GET", f"/api/jobs/{job['job_id']}")
        assert outcome.status == 200, outcome
        return outcome.body["job"]

    def cancels(self, job):
        return self._call("jobs", "POST", f"/api/jobs/{job['job_id']}/cancel")

    def imports(self, runpod_job_id):
        body = {"runpod_job_id": runpod_job_id, "kind": "speech", "voice_id": self.voice_id}
        return self._call("jobs", "POST", "/api/jobs/import", json=body)

    def deletes_result(self, job):
        path = f"/api/tts/generations/{job['result']['generation_id']}?permanent=true"
        assert self._call("library", "DELETE", path).done

    def document(self, job, kind="jobs"):
        path = f"users/{self.person.uid}/{kind}/{job['job_id']}"
        return self.site.lab.client.document(path).get().to_dict()

    def secret(self, job, *, calls=1):
        """Return what RunPod was given to call with, once it has called so often."""

        def called():
            return [
                attempt["url"].rpartition("/")[2]
                for attempt in self.site.journal()["webhooks"]
                if f"/{job['job_id']}/" in attempt["url"]
            ]

        until(lambda: len(called()) >= calls)
        return called()[0]

    def _call(self, target, method, path, **options):
        return self.site.call(self.person, target, method, path, **options)


def until(happens):
    deadline = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def tells(site, job_id, secret, body=None):
    """Call the webhook, as RunPod or somebody else may."""
    path = f"/api/runpod/webhook/{job_id}/{secret}"
    return site.call(None, "runpod_webhook", "POST", path, json=body or {}).status


def everything(site):
    """Return all documents and all objects."""
    return documents(site.lab.client), set(site.lab.bucket.names())


def documents(parent):
    found = {}
    for collection in parent.collections():
        for reference in collection.list_documents():
            snapshot = reference.get()
            if snapshot.exists:
                found[reference.path] = snapshot.to_dict()
            found |= documents(reference)
    return found


class Effects:
    """What has changed in the stores, and who was called, since it was made."""

    def __init__(self, site):
        self._site = site
        self._before, self._calls = everything(site), len(site.journal()["calls"])

    @property
    def stored(self):
        return everything(self._site) != self._before

    @property
    def changed(self):
        """Return the documents that are new or other than before."""
        (before, names), (now, names_now) = self._before, everything(self._site)
        assert (names, before.keys() - now.keys()) == (names_now, set())
        return [(path, found) for path, found in now.items() if before.get(path) != found]

    @property
    def calls(self):
        return self._site.journal()["calls"][self._calls :]


@pytest.fixture
def alba(site):
    return Speaker(site)


@pytest.fixture
def bruno(site):
    return Speaker(site)


def test_second_speech_with_a_voice_reads_nothing_of_its_profile_from_storage(site, alba):
    board = site.instances["tts_generate"].board

    def downloads():
        journal = board.journal(alba.person.uid)
        board.clear()
        return [entry.call.detail for entry in journal if entry.call.kind == DOWNLOAD]

    board.clear()
    first = alba.speaks()
    [profile] = downloads()
    assert profile.startswith("voice_profiles/")
    second = alba.speaks()
    assert downloads() == []
    assert first["state"] == second["state"] == "done"


def test_a_webhook_with_any_secret_but_the_jobs_own_has_no_effect(site, alba, bruno):
    of_alba, of_bruno = alba.speaks(), bruno.speaks()
    own, others = alba.secret(of_alba), bruno.secret(of_bruno)
    forged = [
        secrets.token_urlsafe(32),
        others,
        own.swapcase(),
        own[:-1],
        own + "A",
        "%00" + own,
        alba.document(of_alba, "job_secrets")["secret_sha256"],
    ]
    effects = Effects(site)
    body = {"id": of_alba["runpod_job_id"], "status": "COMPLETED"}
    assert {tells(site, of_alba["job_id"], secret, body) for secret in forged} == {404}
    assert tells(site, "job_000000000000000000000000", own, body) == 404
    assert tells(site, of_alba["runpod_job_id"], own, body) == 404
    assert tells(site, f"{alba.person.uid}%2Fjobs%2F{of_alba['job_id']}", own, body) == 404
    assert not effects.stored
    assert effects.calls == []


def test_a_webhook_that_is_replayed_has_no_effect(site, alba, bruno):
    job, other = alba.speaks(), bruno.speaks()
    secret = alba.secret(job)
    effects = Effects(site)
    for body in (
        {"id": job["runpod_job_id"], "status": "COMPLETED"},
        {"id": job["runpod_job_id"], "status": "FAILED", "error": "forged"},
        {"id": other["runpod_job_id"], "status": "COMPLETED"},
    ):
        assert tells(site, job["job_id"], secret, body) == 200
    assert not effects.stored
    assert effects.calls == []


def test_a_webhook_that_is_replayed_does_not_bring_a_deleted_result_back(site, alba):
    job = alba.speaks()
    alba.deletes_result(job)
    effects = Effects(site)
    body = {"id": job["runpod_job_id"], "status": "COMPLETED"}
    assert tells(site, job["job_id"], alba.secret(job), body) == 200
    assert not effects.stored
    assert effects.calls == []


def test_a_webhook_of_a_cancelled_job_has_no_effect(site, alba):
    job = alba.starts(fault={"webhook": "early", "webhook_ms": 20_000})
    secret = alba.secret(job)
    assert alba.cancels(job).body["job"]["state"] == "cancelled"
    effects = Effects(site)
    body = {"id": job["runpod_job_id"], "status": "COMPLETED"}
    assert tells(site, job["job_id"], secret, body) == 200
    assert not effects.stored
    assert effects.calls == []


def test_a_webhook_with_the_secret_is_believed_nothing_but_that_something_happened(
    site, alba, bruno
):
    other = bruno.speaks()
    job = alba.starts(fault={"webhook": "early", "webhook_ms": 20_000})
    secret = alba.secret(job)
    effects = Effects(site)
    told = site.told("speech", other["runpod_job_id"])
    for runpod_job_id in (job["runpod_job_id"], other["runpod_job_id"]):
        assert tells(site, job["job_id"], secret, {**told, "id": runpod_job_id}) == 503
    after = alba.sees(job)
    assert (after["state"], after["result"]) == ("running", None)
    assert after["runpod_job_id"] == job["runpod_job_id"]
    asked = {call["path"] for call in effects.calls if call["path"].endswith("-u1")}
    assert f"/v2/speech/status/{job['runpod_job_id']}" in asked
    alba.cancels(job)


def test_a_webhook_gives_a_job_without_an_id_its_own_and_no_other_jobs(site, alba, bruno):
    other = bruno.speaks()
    hook = site.instances["runpod_webhook"]
    hook.process.kill()
    job = alba.starts(fault={"run": ["lost"]})
    secret = alba.secret(job, calls=3)
    hook.restart()
    assert job["runpod_job_id"] is None
    effects = Effects(site)
    body = {"id": other["runpod_job_id"], "status": "COMPLETED"}
    assert tells(site, job["job_id"], secret, body) == 404
    assert not effects.stored
    assert effects.calls == []
    own = [call["job_id"] for call in site.journal()["calls"] if call["path"].endswith("/run")][-1]
    assert tells(site, job["job_id"], secret, {"id": own}) == 200
    assert alba.ends(job)["state"] == "done"


def test_nobody_takes_over_the_job_of_another_user(site, alba, bruno):
    ended = alba.speaks()
    running = alba.starts(fault={"queue_ms": 20_000})
    alba.sees(running)
    effects = Effects(site)
    for job in (ended, running):
        assert bruno.imports(job["runpod_job_id"]).status == 404
    # His attempts are counted, and nothing else comes of them.
    [(path, his)] = effects.changed
    assert (path, his["jobs"]["taken_over"]) == (f"users/{bruno.person.uid}", 2)
    assert effects.calls == []
    alba.cancels(running)


def test_no_answer_log_document_or_page_holds_a_secret_of_runpods(site, alba):
    alba.speaks()
    assert len(site.answers) > 5
    assert leaks(site) == []
    keys = [site.runpod.key, ensure_runpod_api_key(ROOT / "functions")]
    pages = [path.read_bytes() for path in (ROOT / "site").rglob("*") if path.is_file()]
    assert len(pages) > 3
    assert not [page for page in pages for key in keys if key.encode() in page]
