"""Save a cloned voice: its sample, its profile if it has one, and its metadata."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from voxshelf.core.account import Amount, Policy
from voxshelf.core.errors import PermissionDenied
from voxshelf.core.items import Voice
from voxshelf.core.reservation import Attempt, Decision, Item, Slot, decide_voice
from voxshelf.core.shelf import Shelf
from voxshelf.use_cases.ports import AudioInspector, Library, ObjectStore
from voxshelf.use_cases.refusals import counting_refusals
from voxshelf.use_cases.shelving import Order, Shelved, look, new_lease, request_key, shelve
from voxshelf.use_cases.sources import Sources, saved_from
from voxshelf.use_cases.upload_ports import UploadSlots
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
    uploads: UploadSlots,
    inspect_audio: AudioInspector,
    policy: Policy,
) -> SavedVoice:
    """Validate, then store the voice, or return what an earlier request stored.

    What the library alone tells is told before anything is fetched or decoded.

    Raises:
        PermissionDenied: without the consent that the policy asks for, or after its withdrawal.
        NotFound, PayloadTooLarge: an upload is not there, or too large.
        UnsupportedMediaType, InvalidAudio, InvalidProfile: nothing was touched.
        VoiceExists, InProgress, IdempotencyConflict, QuotaExceeded, RateLimited, Unavailable: see
            `shelve`.
    """
    if policy.require_consent and command.consent is None:
        raise PermissionDenied(
            "A voice is kept here only with the person's consent: send consent, with "
            "statement and granted_by."
        )
    saved = saved_from(
        command.uid,
        [command.sample, command.profile],
        objects,
        uploads,
        lambda sources: _save(command, sources, library, objects, inspect_audio, policy),
    )
    assert isinstance(saved.item, Voice)
    return SavedVoice(saved.item, saved.replayed, ends=saved.ends is not None)


def _save(
    command: SaveVoice,
    sources: Sources,
    library: Library,
    objects: ObjectStore,
    inspect_audio: AudioInspector,
    policy: Policy,
) -> Shelved:
    order = Order(
        uid=command.uid,
        voice_id=command.voice_id,
        request_key=request_key("voice", command.idempotency_key),
        decide=_deciding(command, sources, policy),
        name=command.name,
    )
    seen = look(order, library)
    with counting_refusals(command.uid, library, counts=command.origin is None):
        if isinstance(seen, Order) and not sources.are_read:
            sources.read()
            seen = look(replace(seen, decide=_deciding(command, sources, policy)), library)
        if isinstance(seen, Shelved):
            return seen
        draft = inspected(command, policy, sources, inspect_audio)
    decide = _deciding(command, sources, policy, draft.voice)
    return shelve(replace(seen, decide=decide, objects=draft.new_objects), library, objects)


def _deciding(
    command: SaveVoice,
    sources: Sources,
    policy: Policy,
    draft: Callable[[Slot], Item] | None = None,
) -> Callable[[Shelf], Decision]:
    content = command.content(sources)
    spoken = command.consent.audio if command.consent else None

    def is_same(item: Item) -> bool:
        if content is None or not isinstance(item, Voice):
            return False
        return content.is_that_of(item) or (not command.replace and content.is_result_in(item))

    attempt = Attempt(
        draft=draft,
        fingerprint=None if content is None else content.fingerprint(command.voice_id),
        lease=new_lease(),
        request_key=request_key("voice", command.idempotency_key),
        policy=policy,
        runpod_job_id=command.runpod_job_id,
        is_same=is_same,
        adds=Amount(1, 0, sources.size_bytes(command.sample, command.profile, spoken)),
    )
    return lambda shelf: decide_voice(shelf, attempt, command.wanted)
