"""The JSON objects of the API's jobs, as types; see `wire`."""

from typing import Literal, TypedDict


class JobResultBody(TypedDict):
    """What a job has become: one of the two."""

    voice_id: str | None
    generation_id: str | None


class JobErrorBody(TypedDict):
    """Why a job ended without an item."""

    code: str
    message: str


class JobBody(TypedDict):
    """A job on RunPod. The state only ever moves forward; the last four are final.

    `words_removed`: what it made was deleted for good, or its voice's consent withdrawn, and the
    words of its order with it.
    """

    job_id: str
    kind: Literal["clone", "speech"]
    state: Literal["queued", "running", "saving", "done", "failed", "cancelled", "timed_out"]
    voice_id: str | None
    voice_name: str | None
    text: str | None
    result: JobResultBody | None
    error: JobErrorBody | None
    runpod_job_id: str | None
    retry_of: str | None
    delay_s: float | None
    execution_s: float | None
    words_removed: bool
    created_at: str
    updated_at: str
    expires_at: str | None


class JobAnswer(TypedDict):
    """One job."""

    status: Literal["success"]
    message: str
    job_id: str
    job: JobBody


class JobStarted(JobAnswer):
    """A job, and whether an earlier request had started it."""

    replayed: bool


class JobDeleted(TypedDict):
    """A job that is in no list any more."""

    status: Literal["success"]
    message: str
    job_id: str


class JobsDeleted(TypedDict):
    """So many jobs are in no list any more."""

    status: Literal["success"]
    message: str
    deleted: int


class JobList(TypedDict):
    """A page of jobs, newest first."""

    status: Literal["success"]
    jobs: list[JobBody]
    has_more: bool
    next_page_token: str | None


class WebhookTaken(TypedDict):
    """The answer to RunPod: it need not call again."""

    status: Literal["success"]
