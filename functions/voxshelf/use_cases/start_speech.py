"""Start to generate speech with a voice of the library."""

import base64
from dataclasses import asdict, dataclass

from voxshelf.core.barring import refuse_barred
from voxshelf.core.errors import InvalidRequest, NotFound, PermissionDenied
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.jobs import Job, JobPolicy, SpeechOrder
from voxshelf.core.naming import WantedVoice
from voxshelf.core.worker_parameters import check_parameters
from voxshelf.use_cases.job_ports import GpuWorkers, Jobs
from voxshelf.use_cases.ports import Catalogue, ContentCache, ObjectStore
from voxshelf.use_cases.read_profile import read_profile
from voxshelf.use_cases.start_job import NewJob, start_job, started_before


@dataclass(frozen=True, slots=True)
class StartSpeech:
    """The command: what is to be spoken, with which voice; `again` though it is being done."""

    uid: str
    order: SpeechOrder
    idempotency_key: str | None = None
    again: bool = False


def start_speech(
    command: StartSpeech,
    *,
    jobs: Jobs,
    workers: GpuWorkers,
    catalogue: Catalogue,
    cache: ContentCache,
    objects: ObjectStore,
    job_policy: JobPolicy,
) -> tuple[Job, bool]:
    """Start; return the job, and whether an earlier request started it.

    The profile goes along, from near by where it was sent before.

    Raises:
        NotFound: there is no such voice.
        InvalidRequest: it has no profile, the text is too long, or a parameter not passed on.
        PermissionDenied: the consent to it was withdrawn; or its profile is a pickle that no job of
            ours has made: loading it would run its code on the worker (hardening, section 2).
        PayloadTooLarge, QuotaExceeded, IdempotencyConflict, RunpodFailed: see `start_job`.
    """
    uid, order = command.uid, command.order
    if len(order.text) > job_policy.limits.text_characters:
        raise InvalidRequest(
            f"text must be at most {job_policy.limits.text_characters} characters.",
            details={"field": "text"},
        )
    check_parameters(order.parameters, job_policy.parameters)
    content = fingerprint({"kind": "speech", "order": asdict(order)})
    before = started_before(jobs, uid, "speech", command.idempotency_key, content)
    if before is not None:
        _refuse_barred(uid, order.voice_id, catalogue)
        return before, True
    try:
        voice = catalogue.voice(uid, order.voice_id)
    except NotFound:
        _refuse_barred(uid, order.voice_id, catalogue)
        raise
    if voice.profile is None:
        raise InvalidRequest("This voice has no profile to speak with. Clone it first.")
    try:
        profile, data = read_profile(
            uid, order.voice_id, catalogue=catalogue, cache=cache, known=voice.profile
        )
    except NotFound:
        raise NotFound("There is no such voice.") from None
    if not profile.trusted and not jobs.is_trusted(profile.sha256):
        raise PermissionDenied(
            "This profile is a pickle from elsewhere, which no worker may load. Clone the voice "
            "here, or import the job that made it."
        )
    request = {
        **order.parameters,
        "text": order.text,
        "voice_id": order.voice_id,
        "profile_base64": base64.b64encode(data).decode(),
        "responseFormat": "base64",
        **({"language": order.language} if order.language else {}),
    }
    new = NewJob(
        uid=uid,
        kind="speech",
        order=order,
        endpoint_id=job_policy.speech_endpoint,
        request=request,
        fingerprint=content,
        orders=(content,),
        idempotency_key=command.idempotency_key,
        again=command.again,
    )
    return start_job(new, jobs=jobs, workers=workers, objects=objects, policy=job_policy)


def _refuse_barred(uid: str, voice_id: str, catalogue: Catalogue) -> None:
    wanted = WantedVoice("", voice_id, is_own_id=True)
    refuse_barred(catalogue.holders(uid, voice_id), wanted)
