"""What a refused name shows: the voice that has it."""

from collections.abc import Iterator
from contextlib import contextmanager

from voxshelf.core.errors import VoiceExists
from voxshelf.http.boundary import Call
from voxshelf.http.present import voice_body


@contextmanager
def showing_existing(call: Call) -> Iterator[None]:
    """Put the voice that exists into the details of `VoiceExists`."""
    try:
        yield
    except VoiceExists as error:
        error.details["voice"] = voice_body(error.voice, call.services.urls)
        raise
