"""A job on RunPod: what was asked for, how far it is, and what has come of it.

Pure. The state only ever moves forward, whatever is told of the job, in which order and how
often: RunPod's webhook, somebody asking, and `reconcile` may all tell the same at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from voxshelf.core.items import Scalar
from voxshelf.core.names import voice_id_for
from voxshelf.core.worker_parameters import DEFAULT_PARAMETERS

JobKind = Literal["clone", "speech"]
JobState = Literal["queued", "running", "saving", "done", "failed", "cancelled", "timed_out"]

_RANK: Mapping[JobState, int] = {"queued": 0, "running": 1, "saving": 2}
ACTIVE: tuple[JobState, ...] = ("queued", "running", "saving")
ENDED: frozenset[JobState] = frozenset({"done", "failed", "cancelled", "timed_out"})

# RunPod keeps the result of a job for 30 minutes (docs.runpod.io, serverless): all that follows
# leaves time for several attempts within it.
# How long a running job is left alone between two looks at RunPod by anything but its webhook.
LOOK_AFTER = timedelta(seconds=20)
# A job whose start was never answered may still report by its webhook, as long as it may be under
# way (`JobPolicy.lifetime`), and twice more 10 s apart. After this it has failed.
START_LIFETIME = timedelta(minutes=21)
# RunPod knows a job from its start on; so soon after it, not knowing it may be a delay of its own.
UNKNOWN_FOR = timedelta(minutes=1)
# A job's own lifetime, and that of its result: what RunPod has not told by then it never will.
LAST_LOOK = timedelta(minutes=60)
# How long a job is kept after its end (the contract, section 11).
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class CloneOrder:
    """The voice that a clone job is to become. `consent` is (statement, granted_by)."""

    voice_id: str
    name: str
    template_message: str | None = None
    language: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    consent: tuple[str, str] | None = None
    parameters: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def has_own_id(self) -> bool:
        """Tell whether the user chose the id: one that only follows from the name is no choice."""
        return self.voice_id != voice_id_for(self.name)

    def without_words(self) -> "CloneOrder":
        """Return what may stay of the order when the voice has gone."""
        return CloneOrder(self.voice_id, name="", language=self.language)


@dataclass(frozen=True, slots=True)
class SpeechOrder:
    """The speech that a job is to generate."""

    voice_id: str
    text: str
    language: str | None = None
    tags: tuple[str, ...] = ()
    parameters: Mapping[str, Scalar] = field(default_factory=dict)

    def without_words(self) -> "SpeechOrder":
        """Return what may stay of the order when the generation has gone."""
        return SpeechOrder(self.voice_id, text="", language=self.language)


Order = CloneOrder | SpeechOrder


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job ended without an item: `code` is for programs, `message` for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Job:
    """One job of one user. Times are aware UTC, set by the database.

    `runpod_job_id` is None until RunPod has answered. `retry_of` is the job whose result it
    saves. `secret_sha256` is the digest of what its webhook must know. `result_id` is the voice
    or generation that it became. `saving_by` names who saves the result, and has until
    `saving_until` for it. `output_sha256` names an output that was kept as it could not be saved,
    `recording` the path of what its worker fetches.
    `due_at` is when `reconcile` has to look. `words_removed` tells that its item was deleted for
    good, and the order's words with it. From `expires_at` on, which is set by its end, it is gone
    for every reader.
    """

    job_id: str
    kind: JobKind
    state: JobState
    order: Order
    fingerprint: str
    endpoint_id: str
    secret_sha256: str
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    runpod_job_id: str | None = None
    result_id: str | None = None
    failure: Failure | None = None
    saving_by: str | None = None
    saving_until: datetime | None = None
    delay_ms: int | None = None
    execution_ms: int | None = None
    retry_of: str | None = None
    output_sha256: str | None = None
    recording: str | None = None
    words_removed: bool = False
    expires_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more will happen to it."""
        return self.state in ENDED

    def is_expired(self, now: datetime) -> bool:
        """Tell whether it is gone, though the database may not have removed it yet."""
        return self.expires_at is not None and self.expires_at <= now

    def is_being_saved(self, now: datetime) -> bool:
        """Tell whether somebody saves its result at this moment, and nobody else is to decide."""
        return self.saving_until is not None and now < self.saving_until

    def started(self, runpod_job_id: str, now: datetime) -> "Job":
        """Return the job once RunPod has given it an id; the first id stays."""
        if self.has_ended or self.runpod_job_id is not None:
            return self
        return self._at(now, runpod_job_id=runpod_job_id)

    def waiting(self, now: datetime) -> "Job":
        """Return the job after a look at RunPod that told nothing new."""
        return self if self.has_ended or self.is_being_saved(now) else self._at(now)

    def running(self, now: datetime) -> "Job":
        """Return the job as RunPod works on it."""
        return self._forward("running", now)

    def saving(self, by: str, now: datetime, lease: timedelta) -> "Job":
        """Return the job as `by` saves its result, unless it has ended or somebody else does.

        The save itself is idempotent, so a lease that is over too early costs work, not a second
        item.
        """
        if self.has_ended or self.is_being_saved(now):
            return self
        until = now + lease
        return self._at(now, state="saving", saving_by=by, saving_until=until, due_at=until)

    def timed(self, delay_ms: int | None, execution_ms: int | None) -> "Job":
        """Return the job with what RunPod measured: waiting for a worker, and working."""
        return (
            self if self.has_ended else replace(self, delay_ms=delay_ms, execution_ms=execution_ms)
        )

    def postponed(self, now: datetime) -> "Job":
        """Return a job whose result could not be saved at this moment: somebody looks again."""
        return self if self.has_ended else self._at(now, saving_by=None, saving_until=None)

    def done(self, result_id: str, now: datetime) -> "Job":
        """Return the job with its item in the library."""
        return self._ended("done", now, result_id=result_id)

    def failed(self, failure: Failure, now: datetime, output_sha256: str | None = None) -> "Job":
        """Return the job that ended without an item; of an output that was kept, the digest."""
        return self._ended("failed", now, failure=failure, output_sha256=output_sha256)

    def cancelled(self, now: datetime) -> "Job":
        """Return the job as its user cancelled it; a result that is being saved stays wanted."""
        return self if self.state == "saving" else self._ended("cancelled", now)

    def timed_out(self, failure: Failure, now: datetime) -> "Job":
        """Return the job that took longer than it may."""
        return self._ended("timed_out", now, failure=failure)

    def without_words(self) -> "Job":
        """Return the job whose item was deleted for good: ids, state and times stay."""
        return replace(self, order=self.order.without_words(), words_removed=True)

    def _forward(self, state: JobState, now: datetime) -> "Job":
        if self.has_ended or self.is_being_saved(now):
            return self
        ahead = _RANK[state] > _RANK[self.state]
        return self._at(now, state=state if ahead else self.state)

    def _ended(self, state: JobState, now: datetime, **changes: object) -> "Job":
        if self.has_ended:
            return self
        over = {"saving_by": None, "saving_until": None, "expires_at": now + KEPT_FOR}
        return self._at(now, state=state, **over, **changes)

    def _at(self, now: datetime, **changes: object) -> "Job":
        later = {"updated_at": now, "due_at": now + LOOK_AFTER, **changes}
        return replace(self, **later)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs of a list: those in one of `states`, and of one kind; empty and None are all."""

    states: tuple[JobState, ...] = ()
    kind: JobKind | None = None

    def takes(self, job: Job) -> bool:
        """Tell whether a job is one of them."""
        return (not self.states or job.state in self.states) and self.kind in (None, job.kind)


@dataclass(frozen=True, slots=True)
class JobLimits:
    """The most that one user may ask of the GPUs: jobs at once, jobs a day (UTC), text length."""

    active: int
    per_day: int
    text_characters: int


@dataclass(frozen=True, slots=True)
class JobPolicy:
    """What holds for every job of a deployment.

    `webhook_base_url` is where RunPod reaches `/api/runpod/webhook`. `takes_urls` tells that the
    clone worker fetches reference audio that is too large for a request. `execution_timeout` is
    how long a worker may take, `lifetime` how long a job may be under way in all: less than
    RunPod keeps its result for. `parameters` are those that clients may send to a worker.
    """

    limits: JobLimits
    webhook_base_url: str
    clone_endpoint: str
    speech_endpoint: str
    takes_urls: bool = False
    parameters: frozenset[str] = DEFAULT_PARAMETERS
    execution_timeout: timedelta = timedelta(minutes=10)
    lifetime: timedelta = timedelta(minutes=20)
