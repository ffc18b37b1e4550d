"""Jobs as the JSON objects of the API."""

from voxshelf.core.jobs import CloneOrder, Job, SpeechOrder
from voxshelf.http.present import time_text
from voxshelf.http.wire_jobs import JobAnswer, JobBody, JobResultBody, JobStarted

_MESSAGES = {
    "queued": "The job waits for a worker.",
    "running": "A worker is at it.",
    "saving": "The result is being saved.",
    "done": "The result is in the library.",
    "failed": "The job failed; see job.error.",
    "cancelled": "The job is cancelled.",
    "timed_out": "The job took too long.",
}


def job_body(job: Job) -> JobBody:
    """Present a job; what its webhook must know, and the request, stay here."""
    failure = job.failure
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "state": job.state,
        # Of a job that was started elsewhere its worker may know more than its order.
        "voice_id": job.order.voice_id or None,
        "voice_name": (job.order.name or None) if isinstance(job.order, CloneOrder) else None,
        "text": (job.order.text or None) if isinstance(job.order, SpeechOrder) else None,
        "result": None if job.result_id is None else _result_body(job, job.result_id),
        "error": None if failure is None else {"code": failure.code, "message": failure.message},
        "runpod_job_id": job.runpod_job_id,
        "retry_of": job.retry_of,
        "delay_s": _seconds(job.delay_ms),
        "execution_s": _seconds(job.execution_ms),
        "words_removed": job.words_removed,
        "created_at": time_text(job.created_at),
        "updated_at": time_text(job.updated_at),
        "expires_at": None if job.expires_at is None else time_text(job.expires_at),
    }


def job_answer(job: Job) -> JobAnswer:
    """Present a job as an answer."""
    return {
        "status": "success",
        "message": _MESSAGES[job.state],
        "job_id": job.job_id,
        "job": job_body(job),
    }


def started_answer(job: Job, *, replayed: bool) -> JobStarted:
    """Present a job as the answer to its start, or to a later one that is the same."""
    return {**job_answer(job), "replayed": replayed}


def _result_body(job: Job, result_id: str) -> JobResultBody:
    if job.kind == "clone":
        return {"voice_id": result_id, "generation_id": None}
    return {"voice_id": None, "generation_id": result_id}


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
