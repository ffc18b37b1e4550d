"""`POST /api/tts/generate`."""

from voxshelf.http.body import read_fields
from voxshelf.http.boundary import Answer, Call, Endpoint, Route
from voxshelf.http.job_orders import read_start_speech
from voxshelf.http.present_jobs import started_answer
from voxshelf.use_cases.start_job import REQUEST_HELD_BYTES
from voxshelf.use_cases.start_speech import start_speech
from voxshelf.wiring import services


def _generate(call: Call) -> Answer:
    runpod = call.services.runpod
    job_policy = runpod.policy
    call.resources.take(REQUEST_HELD_BYTES)
    fields = read_fields(call.request, call.resources)
    job, replayed = start_speech(
        read_start_speech(call.uid, fields, call.idempotency_key),
        jobs=runpod.jobs,
        workers=runpod.workers,
        catalogue=call.services.catalogue,
        cache=call.services.cache,
        objects=call.services.objects,
        job_policy=job_policy,
    )
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    return Answer({**started_answer(job, replayed=replayed)}, 202, headers)


ROUTES = (Route("POST", "/api/tts/generate", _generate, has_own_keys=True),)
handle = Endpoint(ROUTES, services)
