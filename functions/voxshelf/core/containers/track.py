"""What a container declares about the one track of audio in it."""

from dataclasses import dataclass
from typing import BinaryIO

from voxshelf.core.errors import InvalidAudio


@dataclass(frozen=True, slots=True)
class Track:
    """Declared facts, and the part of the file that a decoder needs.

    `frames` are counted at `sample_rate_hz`. Some formats let an encoder cut silence that it
    added: then fewer frames come out, but at least `min_frames`. The decoder is shown `head`,
    then the file's bytes from `start` to `end`. `raw_encoding` is libsndfile's name of samples
    that lie in the file as they are; None where there is something to decode.
    """

    sample_rate_hz: int
    channels: int
    frames: int
    min_frames: int
    start: int
    end: int
    head: bytes = b""
    raw_encoding: str | None = None

    @property
    def duration_s(self) -> float:
        """Return the declared duration; of a rate of 0 Hz, 0."""
        return self.frames / self.sample_rate_hz if self.sample_rate_hz else 0.0


def bytes_at(stream: BinaryIO, offset: int, size: int) -> bytes:
    """Return `size` bytes of a file from `offset`.

    Raises:
        InvalidAudio: when the file ends before.
    """
    stream.seek(offset)
    found = stream.read(size)
    if len(found) < size:
        raise InvalidAudio("The audio file is cut off.")
    return found
