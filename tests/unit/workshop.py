"""The use cases of jobs with their fakes, and a switch that kills the process before any step."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from tests.endpoint.test_saves import b64
from tests.fakes.services import MemoryServices
from tests.sounds import content, npy, wav
from voxshelf.core.account import Account
from voxshelf.core.content import Upload
from voxshelf.core.deletion import Manner
from voxshelf.core.jobs import CloneOrder, SpeechOrder
from voxshelf.core.query import ListQuery
from voxshelf.http.job_results import SavedResults
from voxshelf.http.received import spool_in
from voxshelf.http.resources import Resources
from voxshelf.use_cases.adopt_job import Adoption, adopt_job, retry_job
from voxshelf.use_cases.cancel_job import cancel_job
from voxshelf.use_cases.delete_item import delete_item
from voxshelf.use_cases.delete_jobs import delete_job
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.reconcile import reconcile
from voxshelf.use_cases.save_voice import save_voice
from voxshelf.use_cases.settle_due_jobs import settle_due_jobs
from voxshelf.use_cases.settle_job import settle_job
from voxshelf.use_cases.start_clone import StartClone, start_clone
from voxshelf.use_cases.start_speech import StartSpeech, start_speech
from voxshelf.use_cases.voice_draft import SaveVoice

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PLAIN = npy()
PICKLE = npy(np.array([{"a": 1}], dtype=object))
CLONE = CloneOrder("voice_ada", "Ada", template_message="Hello.", tags=("warm",))
SPEECH = SpeechOrder("voice_ada", "Words to be spoken.", language="de")
CLONED = {
    "status": "success",
    "audio_base64": b64(wav(1.0)),
    "profile_base64": b64(PICKLE),
    "metadata": {"voice_id": "voice_worker", "voice_name": "Worker", "template_message": "Other."},
}
SPOKEN = {
    "status": "success",
    "audio_base64": b64(wav(0.5)),
    "metadata": {
        "voice_id": "voice_ada",
        "text_input": "Cut off te",
        "generation_time": 1.5,
        "sample_rate": 24000,
        "audio_shape": [1, 12000],
        "timestamp": "20260102_120000",
    },
}


class Crash(BaseException):
    """The process died here: nothing after it is executed, not even undoing."""


class Workshop:
    """One user's jobs. `steps_left` kills what runs before the n-th step outside it."""

    def __init__(self):
        self.services = MemoryServices()
        self.runpod = self.services.runpod
        self.jobs, self.workers = self.runpod.jobs, self.runpod.workers
        self.library, self.objects = self.services.library, self.services.objects
        self.policy, self.job_policy = self.services.policy, self.runpod.policy
        self.time = NOON
        self.jobs.now = self.library.now = lambda: self.time
        self.steps_left = None
        self.resources = Resources(self.services.budget)

    def upload(self, path):
        """Name a direct upload; what is fetched of it ends with the test."""
        return Upload(path, lambda size_bytes: spool_in(self.resources, size_bytes))

    def later(self, **by):
        self.time += timedelta(**by)

    def dying(self, port):
        shop = self

        class Dying:
            def __getattr__(self, name):
                method = getattr(port, name)
                if name in {"cancel_upload", "figures"} or not callable(method):
                    return method
                if name == "begin":
                    return lambda objects: shop.dying(method(objects))

                def call(*arguments, **options):
                    if shop.steps_left is not None:
                        if shop.steps_left == 0:
                            raise Crash
                        shop.steps_left -= 1
                    return method(*arguments, **options)

                return call

        return Dying()

    @contextlib.contextmanager
    def dies_after(self, steps):
        """Kill the process before the step after so many."""
        self.steps_left = steps
        with contextlib.suppress(Crash):
            yield
        self.steps_left = None

    @property
    def ports(self):
        jobs = self.dying(self.jobs)
        library, objects = self.dying(self.library), self.dying(self.objects)
        services = replace(self.services, library=library, objects=objects, policy=self.policy)
        results = SavedResults(services, jobs, self.runpod._fetch)
        return {"jobs": jobs, "workers": self.dying(self.workers), "results": results}

    def clone(self, order=CLONE, sample=None, key=None, uid="ada", again=False):
        ports = self.ports
        command = StartClone(uid, order, sample or content(wav(2.0)), key, again)
        return start_clone(
            command,
            jobs=ports["jobs"],
            workers=ports["workers"],
            catalogue=self.library,
            objects=self.dying(self.objects),
            uploads=self.services.upload_slots,
            inspect_audio=self.services.inspect_audio,
            url_of=self.services.urls.url,
            policy=self.policy,
            job_policy=self.job_policy,
        )

    def speak(self, order=SPEECH, key=None, uid="ada", again=False):
        ports = self.ports
        return start_speech(
            StartSpeech(uid, order, key, again),
            jobs=ports["jobs"],
            workers=ports["workers"],
            catalogue=self.library,
            cache=self.services.cache,
            objects=self.dying(self.objects),
            job_policy=self.job_policy,
        )

    def save_voice(self, uid="ada", profile=PLAIN, **fields):
        command = SaveVoice(
            **{
                "uid": uid,
                "voice_id": "voice_ada",
                "name": fields.get("voice_id", "voice_ada").removeprefix("voice_").title(),
                "sample": content(wav(1.0)),
                "profile": None if profile is None else content(profile),
                **fields,
            }
        )
        return save_voice(
            command,
            library=self.library,
            objects=self.objects,
            uploads=self.services.upload_slots,
            inspect_audio=self.services.inspect_audio,
            policy=self.policy,
        ).voice

    def settle(self, job_id, uid="ada"):
        job = self.jobs.job(uid, job_id)
        return settle_job(uid, job, **self.ports, lease=self.policy.lease)

    def settle_due(self):
        return settle_due_jobs(**self.ports, lease=self.policy.lease)

    def cancel(self, job_id, uid="ada"):
        ports = self.ports
        return cancel_job(uid, job_id, **ports)

    def adopt(self, kind="speech", order=None, runpod_job_id="r-x", uid="ada"):
        orders = {"speech": SpeechOrder("", ""), "clone": CloneOrder("", "")}
        endpoint = {
            "speech": self.job_policy.speech_endpoint,
            "clone": self.job_policy.clone_endpoint,
        }[kind]
        return adopt_job(
            Adoption(uid, kind, order or orders[kind], endpoint, runpod_job_id),
            **self.ports,
            limits=self.job_policy.limits,
            lease=self.policy.lease,
        )

    def retry(self, job_id, uid="ada"):
        return retry_job(
            uid,
            job_id,
            **self.ports,
            limits=self.job_policy.limits,
            lease=self.policy.lease,
        )

    def delete(self, job_id, uid="ada"):
        ports = self.ports
        return delete_job(uid, job_id, jobs=ports["jobs"], results=ports["results"])

    def purge(self, kind, item_id, uid="ada", **manner):
        """Delete an item, for good unless told otherwise."""
        return delete_item(
            uid,
            ItemKey(kind, item_id),
            Manner(**{"undo_for": self.policy.undo_for, "permanent": True, **manner}),
            library=self.dying(self.library),
            objects=self.dying(self.objects),
        )

    def reconcile(self):
        return reconcile(
            library=self.library,
            upkeep=self.library,
            objects=self.objects,
            lease=self.policy.lease,
        )

    def active(self, uid="ada"):
        return self.jobs.uses[uid].active if uid in self.jobs.uses else 0

    def items(self, uid="ada"):
        """Return the ids of all that is in a user's library."""
        voices = self.library.voices(uid, ListQuery(page_size=100)).items
        generations = self.library.generations(uid, ListQuery(page_size=100)).items
        return [item.item_id for item in (*voices, *generations)]

    def check(self):
        """Assert that documents and objects match, that nothing is reserved and no job active."""
        stored = {path for path in self.objects.stored if not path.startswith("uploads/")}
        assert stored == set(self.library.ready_paths())
        for account in self.library.accounts.values():
            assert account.reserved == Account().reserved
        for uid, use in self.jobs.uses.items():
            own = [job for (owner, _), job in self.jobs.records.items() if owner == uid]
            assert use.active == sum(not job.has_ended for job in own)
