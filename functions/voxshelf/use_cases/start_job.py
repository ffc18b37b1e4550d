"""Start a job on RunPod: written down first, then sent.

Whatever happens after the first write, the job's document says that it was asked for, its place
among the user's jobs is taken, and its webhook is expected.
"""

import contextlib
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from voxshelf.core.content import NewObject
from voxshelf.core.errors import (
    IdempotencyConflict,
    NotFound,
    PayloadTooLarge,
    RunpodFailed,
    Unavailable,
    VoxshelfError,
)
from voxshelf.core.jobs import Failure, Job, JobKind, JobPolicy, Order
from voxshelf.use_cases.job_ports import GpuWorkers, Jobs
from voxshelf.use_cases.ports import ObjectStore

# RunPod refuses larger bodies of `/run` (docs.runpod.io, serverless: 10 MB).
MAX_REQUEST_BYTES = 10_000_000
# What one request to RunPod holds until it is sent: the file, its base64 as bytes and as text, and
# the body, which is made once to be measured and once to be sent.
REQUEST_HELD_BYTES = 5 * MAX_REQUEST_BYTES


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is to be started. `request` is the `input` of RunPod's request.

    `idempotency_key` is the client's; `fingerprint` tells a repeated start from another one.
    Without a key, one of the same `orders` while the first has not ended is a double click,
    unless it is to be done `again`. `recording` is what the worker fetches.
    """

    uid: str
    kind: JobKind
    order: Order
    endpoint_id: str
    request: Mapping[str, Any]
    fingerprint: str
    orders: tuple[str, ...]
    idempotency_key: str | None = None
    again: bool = False
    recording: NewObject | None = None


def job_id_for(uid: str, kind: JobKind, idempotency_key: str | None) -> str:
    """Return the id of a job: the same for the same key of the same user, else a new one."""
    if idempotency_key is None:
        return f"job_{secrets.token_hex(12)}"
    digest = hashlib.sha256(f"{uid}\0{kind}\0{idempotency_key}".encode()).hexdigest()
    return f"job_{digest[:24]}"


def is_key_used(jobs: Jobs, uid: str, kind: JobKind, idempotency_key: str | None) -> bool:
    """Tell whether an earlier request started a job with this key, for whatever content."""
    if idempotency_key is None:
        return False
    try:
        jobs.job(uid, job_id_for(uid, kind, idempotency_key))
    except NotFound:
        return False
    return True


def started_before(
    jobs: Jobs, uid: str, kind: JobKind, idempotency_key: str | None, fingerprint: str
) -> Job | None:
    """Return the job that an earlier request with this key started, if there was one.

    Asked before all else: what the first request saw (an upload, a free name, a profile) need not
    be there any more.

    Raises:
        IdempotencyConflict: when the key was used for other content.
    """
    if idempotency_key is None:
        return None
    try:
        job = jobs.job(uid, job_id_for(uid, kind, idempotency_key))
    except NotFound:
        return None
    if job.fingerprint != fingerprint:
        raise key_conflict()
    return job


def key_conflict() -> IdempotencyConflict:
    """Return the refusal of a key that was used for another job."""
    return IdempotencyConflict(
        "This Idempotency-Key was used for other content. Use a new key for a new job."
    )


def start_job(
    new: NewJob, *, jobs: Jobs, workers: GpuWorkers, objects: ObjectStore, policy: JobPolicy
) -> tuple[Job, bool]:
    """Start a job; return it, and whether an earlier request started it.

    What its worker is to fetch is stored when the job has its place, and stays no longer than it.

    Raises:
        PayloadTooLarge, QuotaExceeded, IdempotencyConflict: nothing was started.
        RunpodFailed: RunPod refused; the job has failed, its place is free again.
    """
    job_id = job_id_for(new.uid, new.kind, new.idempotency_key)
    secret = secrets.token_urlsafe(32)
    body = {
        "input": dict(new.request),
        "webhook": f"{policy.webhook_base_url}/api/runpod/webhook/{job_id}/{secret}",
        "policy": {
            "executionTimeout": _ms(policy.execution_timeout),
            "ttl": _ms(policy.lifetime),
        },
    }
    _check_size(body)

    def draft(now: datetime) -> Job:
        return Job(
            job_id=job_id,
            kind=new.kind,
            state="queued",
            order=new.order,
            fingerprint=new.fingerprint,
            endpoint_id=new.endpoint_id,
            secret_sha256=digest_of(secret),
            created_at=now,
            updated_at=now,
            due_at=now,
            recording=None if new.recording is None else new.recording.path,
        )

    # Whoever sends a key has said himself which starts are one.
    again = new.again or new.idempotency_key is not None
    job, is_own = jobs.start(new.uid, job_id, draft, policy.limits, new.orders, again=again)
    if not is_own:
        return job, True
    _store_recording(new, job, jobs, objects)
    try:
        told = workers.run(new.endpoint_id, body)
    except Unavailable:
        # RunPod may have taken it all the same: its webhook tells, or its time runs out.
        return job, False
    except RunpodFailed as error:
        _fail(new, job, error, jobs, objects)
        raise
    runpod_job_id = told.runpod_job_id
    job = jobs.change(new.uid, job_id, lambda found, now: found.started(runpod_job_id, now))
    if job.state == "cancelled":
        # Before its id was known, so that nobody could tell RunPod.
        with contextlib.suppress(RunpodFailed, Unavailable):
            workers.cancel(new.endpoint_id, runpod_job_id)
        _remove_recording(new, objects)
    return job, False


def _store_recording(new: NewJob, job: Job, jobs: Jobs, objects: ObjectStore) -> None:
    """Store what the worker is to fetch; without it the job ends before RunPod is asked."""
    if new.recording is not None:
        try:
            objects.begin([new.recording]).finish()
        except VoxshelfError as error:
            _fail(new, job, error, jobs, objects)
            raise


def _fail(new: NewJob, job: Job, error: VoxshelfError, jobs: Jobs, objects: ObjectStore) -> None:
    """End a job that RunPod does not have, and remove what its worker was to fetch."""
    failure = Failure(error.code, error.message)
    jobs.change(new.uid, job.job_id, lambda found, now: found.failed(failure, now))
    _remove_recording(new, objects)


def _remove_recording(new: NewJob, objects: ObjectStore) -> None:
    if new.recording is not None:
        # What fails here goes with the uploads, within a day.
        with contextlib.suppress(Unavailable):
            objects.delete([new.recording.path])


def _check_size(body: Mapping[str, Any]) -> None:
    if len(json.dumps(body, ensure_ascii=False).encode()) > MAX_REQUEST_BYTES:
        raise too_large_for_runpod()


def too_large_for_runpod() -> PayloadTooLarge:
    """Return the refusal of a request that RunPod would refuse."""
    return PayloadTooLarge(
        f"RunPod takes {MAX_REQUEST_BYTES} bytes in one job, audio and profile in base64: about "
        "two and a half minutes of 24 kHz mono WAV. Send a shorter recording, or one as FLAC.",
        details={"max_bytes": MAX_REQUEST_BYTES},
    )


def digest_of(secret: str) -> str:
    """Return what is kept of a webhook's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _ms(duration: timedelta) -> int:
    return int(duration / timedelta(milliseconds=1))
