"""Read a voice's profile, from near by where it was read before."""

from voxshelf.core.errors import NotFound
from voxshelf.core.items import Voice
from voxshelf.core.profile import Profile
from voxshelf.use_cases.ports import Catalogue, ContentCache


def read_profile(
    uid: str,
    voice_id: str,
    *,
    catalogue: Catalogue,
    cache: ContentCache,
    known: Profile | None = None,
) -> tuple[Profile, bytes]:
    """Return what is known of a voice's profile, and its bytes.

    `known` is what the caller has looked up just before.

    Raises:
        NotFound: when there is no such voice, or it has no profile.
        Unavailable.
    """
    profile = known or profile_of(catalogue.voice(uid, voice_id))
    try:
        return profile, cache.read(profile.path, profile.sha256)
    except NotFound:
        # Replaced or deleted since it was looked up: then another one is there now, or none.
        profile = profile_of(catalogue.voice(uid, voice_id))
        return profile, cache.read(profile.path, profile.sha256)


def profile_of(voice: Voice) -> Profile:
    """Return what is known of a voice's profile, or raise `NotFound` when it has none."""
    if voice.profile is None:
        raise NotFound("This voice has no profile.")
    return voice.profile
