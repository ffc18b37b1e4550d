"""Following jobs, and deleting them: `/api/jobs` and below."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from voxshelf.core.errors import NotFound, RunpodFailed, Unavailable
from voxshelf.core.jobs import Job
from voxshelf.core.names import is_valid_id
from voxshelf.http.body import read_fields
from voxshelf.http.boundary import Answer, Call, Endpoint, Route
from voxshelf.http.job_orders import read_adoption
from voxshelf.http.job_query import filter_text, read_ended_states, read_job_filter
from voxshelf.http.list_query import read_page_size
from voxshelf.http.page_tokens import PageTokens
from voxshelf.http.present_jobs import job_answer, job_body
from voxshelf.http.resources import Resources
from voxshelf.http.wire_jobs import JobDeleted, JobList, JobsDeleted
from voxshelf.use_cases.adopt_job import Adoption, adopt_job, retry_job
from voxshelf.use_cases.cancel_job import cancel_job
from voxshelf.use_cases.delete_jobs import delete_job, delete_jobs
from voxshelf.use_cases.settle_job import settle_job
from voxshelf.wiring import services

# Of the two that fetch and save a result: this function's timeout (functions.yaml).
_LEASE = timedelta(seconds=300)


def _list(call: Call) -> Answer:
    arguments = call.request.args
    only = read_job_filter(arguments)
    tokens = PageTokens(call.services.page_token_key, call.uid, f"jobs {filter_text(only)}")
    token = arguments.get("page_token")
    after = tokens.read(token) if token else None
    page = call.services.runpod.jobs.jobs(call.uid, read_page_size(arguments), after, only)
    body: JobList = {
        "status": "success",
        "jobs": [job_body(job) for job in page.items],
        "has_more": page.next is not None,
        "next_page_token": None if page.next is None else tokens.make(page.next),
    }
    return Answer({**body})


def _read(call: Call, job_id: str) -> Answer:
    runpod = call.services.runpod
    job = runpod.jobs.job(call.uid, _known(job_id))
    # Whoever asks every second need not have RunPod asked every second.
    if not job.has_ended and job.due_at <= datetime.now(UTC):
        # What is known is an answer, too; the next look may find RunPod again.
        with contextlib.suppress(RunpodFailed, Unavailable):
            job = settle_job(
                call.uid,
                job,
                jobs=runpod.jobs,
                workers=runpod.workers,
                results=runpod.results,
                lease=call.services.policy.lease,
            )
    return _answer(job)


def _cancel(call: Call, job_id: str) -> Answer:
    runpod = call.services.runpod
    job = cancel_job(
        call.uid,
        _known(job_id),
        jobs=runpod.jobs,
        workers=runpod.workers,
        results=runpod.results,
    )
    return replace(_answer(job), kept={"job_id": job.job_id})


def _retry(call: Call, job_id: str) -> Answer:
    runpod = call.services.runpod
    job = retry_job(
        call.uid,
        _known(job_id),
        jobs=runpod.jobs,
        workers=runpod.workers,
        results=runpod.results,
        limits=runpod.policy.limits,
        lease=call.services.policy.lease,
    )
    return _made(job)


def _import(call: Call) -> Answer:
    runpod = call.services.runpod
    policy = runpod.policy
    # What was sent is not held while the result is fetched: a result makes a claim of its own.
    with Resources(call.services.budget) as resources:
        kind, runpod_job_id, order = read_adoption(read_fields(call.request, resources))
    adoption = Adoption(
        uid=call.uid,
        kind=kind,
        order=order,
        endpoint_id=policy.clone_endpoint if kind == "clone" else policy.speech_endpoint,
        runpod_job_id=runpod_job_id,
    )
    job = adopt_job(
        adoption,
        jobs=runpod.jobs,
        workers=runpod.workers,
        results=runpod.results,
        limits=policy.limits,
        lease=call.services.policy.lease,
    )
    return _made(job)


def _delete(call: Call, job_id: str) -> Answer:
    runpod = call.services.runpod
    job = delete_job(call.uid, _known(job_id), jobs=runpod.jobs, results=runpod.results)
    body: JobDeleted = {
        "status": "success",
        "message": "The job is deleted. What it made stays.",
        "job_id": job.job_id,
    }
    return Answer({**body})


def _delete_many(call: Call) -> Answer:
    runpod = call.services.runpod
    states = read_ended_states(call.request.args)
    deleted = delete_jobs(call.uid, states, jobs=runpod.jobs, results=runpod.results)
    body: JobsDeleted = {
        "status": "success",
        "message": "The jobs are deleted. What they made stays.",
        "deleted": len(deleted),
    }
    return Answer({**body})


def _answer(job: Job) -> Answer:
    return Answer({**job_answer(job)})


def _made(job: Job) -> Answer:
    return replace(_answer(job), status=202, kept={"job_id": job.job_id})


def _again(call: Call, kept: Mapping[str, str]) -> Answer:
    """Show the job that an earlier request made or cancelled, as it is now."""
    return _answer(call.services.runpod.jobs.job(call.uid, kept["job_id"]))


def _known(job_id: str) -> str:
    if not is_valid_id(job_id):
        raise NotFound("There is no such job.")
    return job_id


ROUTES = (
    Route("GET", "/api/jobs", _list),
    Route("DELETE", "/api/jobs", _delete_many),
    Route("POST", "/api/jobs/import", _import, lease=_LEASE, again=_again),
    Route("GET", "/api/jobs/<job_id>", _read),
    Route("DELETE", "/api/jobs/<job_id>", _delete),
    Route("POST", "/api/jobs/<job_id>/cancel", _cancel, again=_again),
    Route("POST", "/api/jobs/<job_id>/retry", _retry, lease=_LEASE, again=_again),
)
handle = Endpoint(ROUTES, services, prepare=lambda made: made.prepare_audio())
