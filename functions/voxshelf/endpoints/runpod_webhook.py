"""`POST /api/runpod/webhook/{job_id}/{secret}`: RunPod says that a job has ended.

RunPod does not sign its calls, so the address is the proof: it holds a secret of this one job.
The body is a hint and no more. How the job stands, and its result, are asked of RunPod.

The result is saved before the answer: on Cloud Functions there is no CPU after it, and a 503
makes RunPod call again, which nothing else would.
"""

import hmac

from voxshelf.core.errors import InvalidRequest, NotFound, Unavailable
from voxshelf.core.names import is_valid_id
from voxshelf.http.body import read_fields
from voxshelf.http.boundary import Answer, Call, Endpoint, Route
from voxshelf.http.resources import Resources
from voxshelf.http.wire_jobs import WebhookTaken
from voxshelf.use_cases.job_ports import Jobs, OwnedJob
from voxshelf.use_cases.settle_job import settle_job
from voxshelf.use_cases.start_job import digest_of
from voxshelf.wiring import services


def _take(call: Call, job_id: str, secret: str) -> Answer:
    runpod = call.services.runpod
    owned = _proven(job_id, secret, runpod.jobs)
    uid, job = owned.uid, owned.job
    if job.runpod_job_id is None and not job.has_ended:
        runpod_job_id = _hinted(call)
        known = runpod.jobs.of_runpod(runpod_job_id)
        if known is not None and known.job.job_id != job_id:
            # Another job's result, perhaps another user's: this call tells of something else.
            raise _nothing_here()
        job = runpod.jobs.change(uid, job_id, lambda found, now: found.started(runpod_job_id, now))
    job = settle_job(
        uid,
        job,
        jobs=runpod.jobs,
        workers=runpod.workers,
        results=runpod.results,
        lease=call.services.policy.lease,
    )
    if not job.has_ended and job.saving_by is None:
        raise Unavailable("The result could not be saved yet. Call again.")
    body: WebhookTaken = {"status": "success"}
    return Answer({**body})


def _proven(job_id: str, secret: str, jobs: Jobs) -> OwnedJob:
    owned = jobs.find(job_id) if is_valid_id(job_id) else None
    # A job that is not there is compared, too: the time tells nobody which ids exist.
    expected = owned.job.secret_sha256 if owned else digest_of("")
    if not hmac.compare_digest(expected, digest_of(secret)) or owned is None:
        raise _nothing_here()
    return owned


def _nothing_here() -> NotFound:
    return NotFound("There is nothing at this path.")


def _hinted(call: Call) -> str:
    """Return the id that RunPod gave a job whose start was never answered."""
    # The body, which may hold the whole result, is not kept while the result is fetched.
    with Resources(call.services.budget) as resources:
        runpod_job_id = read_fields(call.request, resources).values.get("id")
    if not isinstance(runpod_job_id, str) or not is_valid_id(runpod_job_id):
        raise InvalidRequest("The body names no job.", details={"field": "id"})
    return runpod_job_id


ROUTES = (Route("POST", "/api/runpod/webhook/<job_id>/<secret>", _take, public=True),)
handle = Endpoint(ROUTES, services, prepare=lambda made: made.prepare_audio())
