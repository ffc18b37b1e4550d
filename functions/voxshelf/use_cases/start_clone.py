"""Start to clone a voice from a recording."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass

from voxshelf.core.account import Policy
from voxshelf.core.audio import SAMPLE_LIMITS, AudioFacts
from voxshelf.core.barring import refuse_barred, voice_of_name
from voxshelf.core.content import Content, NewObject, Source, Upload
from voxshelf.core.errors import InvalidAudio, NotFound, PermissionDenied, VoiceExists
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.jobs import CloneOrder, Job, JobPolicy
from voxshelf.core.naming import WantedVoice
from voxshelf.core.quality import is_silent
from voxshelf.core.worker_parameters import check_parameters
from voxshelf.use_cases.job_ports import GpuWorkers, Jobs
from voxshelf.use_cases.ports import AudioInspector, Catalogue, ObjectStore
from voxshelf.use_cases.start_job import (
    MAX_REQUEST_BYTES,
    NewJob,
    start_job,
    started_before,
    too_large_for_runpod,
)
from voxshelf.use_cases.uploads import (
    MAX_UPLOAD_BYTES,
    check_upload,
    identity,
    received,
    remove_uploads,
)

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
    content = _fingerprint(order, identity(command.sample))
    before = _before(command, content, jobs, catalogue, job_policy)
    if before is not None:
        return before, True
    try:
        _check_size(command.sample, uid, objects, takes_urls=job_policy.takes_urls)
        sample = received(command.sample, uid, objects)
    except NotFound:
        # The first of two clicks may have taken the upload over meanwhile.
        first = _first(command, content, jobs)
        if first is None:
            raise
        return first, True
    facts = inspect_audio(sample, SAMPLE_LIMITS)
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
        # An upload is known by its path, and by its bytes: a page may upload at each click.
        orders=tuple({content, _fingerprint(order, sample.sha256)}),
        idempotency_key=command.idempotency_key,
        again=command.again,
        recording=recording,
    )
    started = start_job(new, jobs=jobs, workers=workers, objects=objects, policy=job_policy)
    remove_uploads([command.sample], objects)
    return started


def _before(
    command: StartClone, content: str, jobs: Jobs, catalogue: Catalogue, job_policy: JobPolicy
) -> Job | None:
    """Return the job that does this already; refuse what the library and the limits refuse.

    All that is known before the recording is fetched and decoded.
    """
    uid, order, key = command.uid, command.order, command.idempotency_key
    holders = catalogue.holders(uid, order.voice_id, order.name)
    refuse_barred(holders, WantedVoice(order.name, order.voice_id, is_own_id=order.has_own_id))
    before = started_before(jobs, uid, "clone", key, content)
    if before is not None:
        return before
    voice = voice_of_name(holders, order.name)
    if voice is not None:
        # Before a GPU has worked for a name that is taken.
        raise VoiceExists(voice)
    alike = () if command.again or key is not None else (content,)
    return jobs.admit(uid, job_policy.limits, alike)


def _first(command: StartClone, content: str, jobs: Jobs) -> Job | None:
    """Return the job of an earlier request for the same, if there is one by now."""
    key = command.idempotency_key
    if key is not None:
        return started_before(jobs, command.uid, "clone", key, content)
    return None if command.again else jobs.alike(command.uid, (content,))


def _fingerprint(order: CloneOrder, sample: str | None) -> str:
    return fingerprint({"kind": "clone", "order": asdict(order), "sample": sample})


def _goes_by_url(size_bytes: int) -> bool:
    """Tell whether a recording is too large for a request, where it is base64."""
    return (size_bytes + 2) // 3 * 4 > MAX_REQUEST_BYTES - _BESIDE_AUDIO_BYTES


def _check_size(sample: Source, uid: str, objects: ObjectStore, *, takes_urls: bool) -> None:
    """Refuse a recording that RunPod would refuse, before it is fetched."""
    if isinstance(sample, Upload):
        size_bytes = check_upload(sample.path, uid, objects, MAX_UPLOAD_BYTES)
    else:
        size_bytes = sample.size_bytes
    if _goes_by_url(size_bytes) and not takes_urls:
        raise too_large_for_runpod()


def _recording(uid: str, sample: Content, facts: AudioFacts) -> NewObject:
    """Return what the worker is to fetch: nobody else knows where it lies.

    Among the uploads: what a crash leaves of it is removed within a day.
    """
    path = f"uploads/{uid}/clone_{secrets.token_hex(12)}.{facts.format.extension}"
    token = secrets.token_urlsafe(32)
    return NewObject(path, sample, facts.format.content_type, "attachment", token)
