"""Withdraw an address that has leaked: the same item, under new names and tokens.

The objects are written anew and the old ones removed, in the order of every save: readers
see the old version until the new one is complete, and the old addresses are dead after.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import BinaryIO, cast

from voxshelf.core.account import Policy
from voxshelf.core.audio import Audio
from voxshelf.core.content import Content, NewObject, Sink
from voxshelf.core.errors import NotFound, Unavailable
from voxshelf.core.file_names import (
    consent_name,
    disposition,
    profile_name,
    sample_name,
    speech_name,
)
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.items import Generation, Voice
from voxshelf.core.names import ObjectNames
from voxshelf.core.profile import PROFILE_CONTENT_TYPE, Profile
from voxshelf.core.reservation import Attempt, Item, Slot, decide_rewrite, in_progress
from voxshelf.use_cases.ports import Library, ObjectStore
from voxshelf.use_cases.shelving import Order, new_lease, new_token, shelve


def renew_urls(
    uid: str,
    item: Item,
    *,
    library: Library,
    objects: ObjectStore,
    sink: Callable[[int], Sink],
    policy: Policy,
) -> Item:
    """Write the item's objects anew; return it as it stands then.

    `sink(size_bytes)` takes the bytes of one, or raises `Unavailable` when there is no room.

    Raises:
        NotFound, InProgress: the item has gone, or changed, meanwhile.
        QuotaExceeded: there is no room for both versions at once.
        Unavailable.
    """
    try:
        contents = {stored.path: _fetched(stored, objects, sink) for stored in _stored(item)}
    except NotFound:
        # It was renewed, replaced or deleted since it was read: asking again tells which.
        raise in_progress() from None

    def new_objects(renewed: Item) -> Sequence[NewObject]:
        return _new_objects(item, renewed, contents)

    attempt = Attempt(
        # Of what is there now: the item may have been edited since it was read.
        draft=lambda slot: _renewed(uid, slot.replaces or item, slot, policy),
        fingerprint=fingerprint({"object_paths": item.object_paths}),
        lease=new_lease(),
        request_key=None,
        policy=policy,
    )
    order = Order(
        uid=uid,
        voice_id=item.voice_id,
        request_key=None,
        decide=lambda shelf: decide_rewrite(shelf, attempt, item),
        objects=new_objects,
        generation_id=item.generation_id if isinstance(item, Generation) else None,
    )
    renewed = shelve(order, library, objects).item
    if isinstance(renewed, Generation) and isinstance(item, Generation):
        return replace(renewed, voice_name=item.voice_name)
    return renewed


def _audios(item: Item) -> list[Audio]:
    if isinstance(item, Generation):
        return [item.audio]
    recording = item.consent.audio if item.consent else None
    return [item.sample, *([recording] if recording else [])]


def _stored(item: Item) -> list[Audio | Profile]:
    profile = item.profile if isinstance(item, Voice) else None
    return [*_audios(item), *([profile] if profile else [])]


def _fetched(stored: Audio | Profile, objects: ObjectStore, sink: Callable[[int], Sink]) -> Content:
    into = sink(stored.size_bytes)
    objects.download(stored.path, cast(BinaryIO, into))
    content = into.content()
    if content.sha256 != stored.sha256:
        raise Unavailable("The file could not be read whole. Try again.")
    return content


def _renewed(uid: str, item: Item, slot: Slot, policy: Policy) -> Item:
    names = ObjectNames(uid, item.voice_id, slot.stamp)
    if isinstance(item, Generation):
        path = names.generation(item.audio.format)
        return replace(item, audio=replace(item.audio, path=path, token=new_token(policy)))
    consent, profile = item.consent, item.profile
    if consent is not None and consent.audio is not None:
        path = names.consent(consent.audio.format)
        consent = replace(consent, audio=replace(consent.audio, path=path, token=new_token(policy)))
    if profile is not None:
        path = names.profile(first_version=False)
        profile = replace(profile, path=path, token=new_token(policy))
    sample = replace(item.sample, path=names.sample(item.sample.format), token=new_token(policy))
    return replace(item, sample=sample, profile=profile, consent=consent)


def _new_objects(old: Item, new: Item, contents: dict[str, Content]) -> list[NewObject]:
    made = [
        _rewritten(contents[before.path], after, disposition("inline", name))
        for before, after, name in zip(_audios(old), _audios(new), _audio_names(new), strict=True)
    ]
    if isinstance(old, Voice) and isinstance(new, Voice) and old.profile and new.profile:
        content, kept_as = contents[old.profile.path], disposition("attachment", profile_name(new))
        made.append(_rewritten(content, new.profile, kept_as))
    return made


def _rewritten(content: Content, stored: Audio | Profile, kept_as: str) -> NewObject:
    content_type = stored.content_type if isinstance(stored, Audio) else PROFILE_CONTENT_TYPE
    return NewObject(stored.path, content, content_type, kept_as, stored.token)


def _audio_names(item: Item) -> list[str]:
    if isinstance(item, Generation):
        return [speech_name(item)]
    recording = item.consent.audio if item.consent else None
    return [sample_name(item), *([consent_name(item, recording.format)] if recording else [])]
