"""`POST /api/voices/clone`."""

from voxshelf.endpoints.conflicts import showing_existing
from voxshelf.http.body import read_fields
from voxshelf.http.boundary import Answer, Call, Endpoint, Route
from voxshelf.http.job_orders import read_start_clone
from voxshelf.http.present_jobs import started_answer
from voxshelf.use_cases.start_clone import start_clone
from voxshelf.use_cases.start_job import REQUEST_HELD_BYTES
from voxshelf.wiring import services


def _clone(call: Call) -> Answer:
    runpod = call.services.runpod
    job_policy = runpod.policy
    fields = read_fields(call.request, call.resources)
    command = read_start_clone(call.uid, fields, call.idempotency_key)
    fields.forget_texts()
    call.resources.take(REQUEST_HELD_BYTES)
    with showing_existing(call):
        job, replayed = start_clone(
            command,
            jobs=runpod.jobs,
            workers=runpod.workers,
            catalogue=call.services.catalogue,
            objects=call.services.objects,
            uploads=call.services.upload_slots,
            inspect_audio=call.services.inspect_audio,
            url_of=call.services.urls.url,
            policy=call.services.policy,
            job_policy=job_policy,
        )
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    return Answer({**started_answer(job, replayed=replayed)}, 202, headers)


ROUTES = (Route("POST", "/api/voices/clone", _clone, has_own_keys=True),)
handle = Endpoint(ROUTES, services, prepare=lambda made: made.prepare_audio())
