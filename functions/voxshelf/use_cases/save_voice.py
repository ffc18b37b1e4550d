"""Save a cloned voice: its sample, its profile if it has one, and its metadata."""

from dataclasses import dataclass

from voxshelf.core.account import Policy
from voxshelf.core.errors import NotFound, PermissionDenied
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.items import Voice
from voxshelf.core.reservation import Attempt, decide_voice
from voxshelf.use_cases.ports import AudioInspector, Library, ObjectStore
from voxshelf.use_cases.shelving import (
    Order,
    new_lease,
    replayed,
    request_key,
    shelve,
)
from voxshelf.use_cases.uploads import identity, remove_uploads
from voxshelf.use_cases.voice_draft import SaveVoice, inspected


@dataclass(frozen=True, slots=True)
class SavedVoice:
    """The voice in the library; `replayed` when an earlier request put it there.

    `ends` tells that a deleted voice lay in its place, which cannot be restored any more.
    """

    voice: Voice
    replayed: bool
    ends: bool = False


def save_voice(
    command: SaveVoice,
    *,
    library: Library,
    objects: ObjectStore,
    inspect_audio: AudioInspector,
    policy: Policy,
) -> SavedVoice:
    """Validate, then store the voice, or return what an earlier request stored.

    Raises:
        PermissionDenied: without the consent that the policy asks for.
        NotFound, PayloadTooLarge: an upload is not there, or too large.
        UnsupportedMediaType, InvalidAudio, InvalidProfile: nothing was touched.
        VoiceExists, InProgress, IdempotencyConflict, QuotaExceeded, Unavailable: see
            `shelve`.
    """
    if policy.require_consent and command.consent is None:
        raise PermissionDenied(
            "A voice is kept here only with the person's consent: send consent, with "
            "statement and granted_by."
        )
    key = request_key("voice", command.idempotency_key)
    content = _fingerprint(command)
    # The round trip passes while the audio is decoded.
    glance = library.glance(command.uid, command.voice_id, key, name=command.name)
    try:
        draft = inspected(command, policy, objects, inspect_audio)
    except NotFound:
        # An upload that is gone was taken over by an earlier request, or never was there.
        voice = replayed(
            command.uid, command.voice_id, key, content, library, policy, name=command.name
        )
        assert isinstance(voice, Voice)
        return SavedVoice(voice, replayed=True)
    attempt = Attempt(draft.voice, content, new_lease(), key, policy, command.runpod_job_id)
    order = Order(
        uid=command.uid,
        voice_id=command.voice_id,
        request_key=key,
        decide=lambda shelf: decide_voice(shelf, attempt, command.wanted),
        objects=draft.new_objects,
        name=command.name,
        glance=glance,
    )
    saved = shelve(order, library, objects)
    remove_uploads([command.sample, command.profile], objects)
    assert isinstance(saved.item, Voice)
    return SavedVoice(saved.item, saved.replayed, ends=saved.ends is not None)


def _fingerprint(command: SaveVoice) -> str:
    consent = command.consent
    spoken = consent.audio if consent else None
    return fingerprint(
        {
            "voice_id": command.voice_id,
            "name": command.name,
            "sample": identity(command.sample),
            "profile": identity(command.profile),
            "template_message": command.template_message,
            "language": command.language,
            "description": command.description,
            "tags": command.tags,
            "consent": [consent.statement, consent.granted_by] if consent else None,
            "consent_audio": identity(spoken),
            "parameters": command.parameters,
            "runpod_job_id": command.runpod_job_id,
        }
    )
