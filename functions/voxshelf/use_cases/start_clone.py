"""Start to clone a voice from a recording."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass

from voxshelf.core.account import Policy
from voxshelf.core.audio import SAMPLE_LIMITS, AudioFacts
from voxshelf.core.barring import refuse_barred, voice_of_name
from voxshelf.core.content import Content, NewObject, Source
from voxshelf.core.errors import InvalidAudio, PermissionDenied, VoiceExists
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.jobs import CloneOrder, Job, JobPolicy
from voxshelf.core.naming import WantedVoice
from voxshelf.core.quality import is_silent
from voxshelf.core.worker_parameters import check_parameters
from voxshelf.use_cases.job_ports import GpuWorkers, Jobs
from voxshelf.use_cases.ports import AudioInspector, Catalogue, ObjectStore
from voxshelf.use_cases.sources import Sources, looked_at
from voxshelf.use_cases.start_job import (
    MAX_REQUEST_BYTES,
    NewJob,
    is_key_used,
    start_job,
    started_before,
    too_large_for_runpod,
)
from voxshelf.use_cases.upload_ports import UploadSlots

# What may stand beside the audio in a request: mostly 50 parameters of 1,000 characters.
_BESIDE_AUDIO_BYTES = 250_000


@dataclass(frozen=True, slots=True)
class StartClone:
    """The command: the voice that is to be, and the recording to clone it from.

    `again` though it is being done.
    """

    uid: str
    order: CloneOrder
    sample: Source
    idempotency_key: str | None = None
    again: bool = False


def start_clone(
    command: StartClone,
    *,
    jobs: Jobs,
    workers: GpuWorkers,
    catalogue: Catalogue,
    objects: ObjectStore,
    uploads: UploadSlots,
    inspect_audio: AudioInspector,
    url_of: Callable[[str, str], str],
    policy: Policy,
    job_policy: JobPolicy,
) -> tuple[Job, bool]:
    """Validate what can be validated before a GPU is paid for, and start.

    `url_of` builds the address of an object by path and token. Returns the job, and whether an
    earlier request started it.

    Raises:
        PermissionDenied: without the consent that the policy asks for, or after the consent to this
            voice was withdrawn.
        InvalidRequest: a parameter that is not passed on.
        VoiceExists, NotFound, UnsupportedMediaType, InvalidAudio: nothing was started.
        PayloadTooLarge, QuotaExceeded, IdempotencyConflict, RunpodFailed: see `start_job`.
    """
    uid, order = command.uid, command.order
    if policy.require_consent and order.consent is None:
        raise PermissionDenied(
            "A voice is cloned here only with the person's consent: send consent, with "
            "statement and granted_by."
        )
    check_parameters(order.parameters, job_policy.parameters)
    sources, before = _looked_for(command, jobs, catalogue, objects, uploads, job_policy)
    if before is not None:
        _take_over(sources, before)
        return before, True
    sample = sources.content(command.sample)
    content = _fingerprint(order, sample.sha256)
    facts = inspect_audio(sample, SAMPLE_LIMITS, uid)
    if is_silent(facts.loudness):
        raise InvalidAudio("The recording is silent: check the microphone and record it again.")
    recording = _recording(uid, sample, facts) if _goes_by_url(sample.size_bytes) else None
    audio = (
        {"audio_data": base64.b64encode(sample.rewound().read()).decode()}
        if recording is None
        else {"audio_url": url_of(recording.path, recording.token)}
    )
    new = NewJob(
        uid=uid,
        kind="clone",
        order=order,
        endpoint_id=job_policy.clone_endpoint,
        request={
            **order.parameters,
            "name": order.name,
            "audio_format": facts.format.extension,
            "responseFormat": "base64",
            **({"template_message": order.template_message} if order.template_message else {}),
            **({"language": order.language} if order.language else {}),
            **audio,
        },
        fingerprint=content,
        orders=(content,),
        idempotency_key=command.idempotency_key,
        again=command.again,
        recording=recording,
    )
    started = start_job(new, jobs=jobs, workers=workers, objects=objects, policy=job_policy)
    _take_over(sources, started[0])
    return started


def _take_over(sources: Sources, job: Job) -> None:
    """Remove the upload once RunPod has its bytes: a job that never reached it is started anew."""
    if job.runpod_job_id is not None:
        sources.take_over()


def _looked_for(
    command: StartClone,
    jobs: Jobs,
    catalogue: Catalogue,
    objects: ObjectStore,
    uploads: UploadSlots,
    job_policy: JobPolicy,
) -> tuple[Sources, Job | None]:
    """Return the recording, fetched, or the job that does this already."""

    def look(sources: Sources) -> Job | None:
        before = _before(command, sources, jobs, catalogue, job_policy)
        if before is None:
            sources.content(command.sample)
        return before

    return looked_at(command.uid, [command.sample], objects, uploads, look)


def _before(
    command: StartClone,
    sources: Sources,
    jobs: Jobs,
    catalogue: Catalogue,
    job_policy: JobPolicy,
) -> Job | None:
    """Return the job that does this already; refuse what the library and the limits refuse.

    All that is told before the recording is decoded, and where its digest is known, or matters to
    nobody, before it is fetched.
    """
    uid, order, key = command.uid, command.order, command.idempotency_key
    holders = catalogue.holders(uid, order.voice_id, order.name)
    refuse_barred(holders, WantedVoice(order.name, order.voice_id, is_own_id=order.has_own_id))
    if is_key_used(jobs, uid, "clone", key):
        sources.read()
        return started_before(jobs, uid, "clone", key, _content(command, sources))
    voice = voice_of_name(holders, order.name)
    if voice is not None:
        # Before a GPU has worked for a name that is taken.
        raise VoiceExists(voice)
    alike = () if command.again or key is not None else (_content(command, sources),)
    first = jobs.admit(uid, job_policy.limits, alike if sources.are_read else ())
    if first is None:
        _check_size(sources.size_bytes(command.sample), takes_urls=job_policy.takes_urls)
    if first is not None or sources.are_read or not alike:
        return first
    sources.read()
    return jobs.alike(uid, (_content(command, sources),))


def _content(command: StartClone, sources: Sources) -> str:
    return _fingerprint(command.order, sources.sha256(command.sample))


def _fingerprint(order: CloneOrder, sample_sha256: str | None) -> str:
    return fingerprint({"kind": "clone", "order": asdict(order), "sample": sample_sha256})


def _goes_by_url(size_bytes: int) -> bool:
    """Tell whether a recording is too large for a request, where it is base64."""
    return (size_bytes + 2) // 3 * 4 > MAX_REQUEST_BYTES - _BESIDE_AUDIO_BYTES


def _check_size(size_bytes: int, *, takes_urls: bool) -> None:
    """Refuse a recording that RunPod would refuse."""
    if _goes_by_url(size_bytes) and not takes_urls:
        raise too_large_for_runpod()


def _recording(uid: str, sample: Content, facts: AudioFacts) -> NewObject:
    """Return what the worker is to fetch: nobody else knows where it lies.

    Among the uploads: what a crash leaves of it is removed within a day.
    """
    path = f"uploads/{uid}/clone_{secrets.token_hex(12)}.{facts.format.extension}"
    token = secrets.token_urlsafe(32)
    return NewObject(path, sample, facts.format.content_type, "attachment", token)
