"""What goes to a worker that measures audio, and what comes back."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, BinaryIO, cast

from voxshelf.adapters.audio_process import Nonsense
from voxshelf.adapters.cpu_allowance import CpuUsedUp
from voxshelf.core.audio import AudioFacts, AudioFormat, AudioLimits, Loudness
from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidAudio, UnsupportedMediaType

_ERRORS = {error.code: error for error in (InvalidAudio, UnsupportedMediaType)}


def request(content: Content, limits: AudioLimits, cpu_s: float) -> bytes:
    """Return what a worker is told about the file whose descriptor goes with it."""
    fields = {
        "size_bytes": content.size_bytes,
        "sha256": content.sha256,
        "crc32c": content.crc32c,
        "limits": asdict(limits),
        "cpu_s": cpu_s,
    }
    return json.dumps(fields).encode()


@contextlib.contextmanager
def descriptor(content: Content) -> Iterator[int]:
    """Yield a descriptor of the content as a file; what is in memory is written out first."""
    stream = content.rewound()
    try:
        number = stream.fileno()
    except OSError:
        with tempfile.TemporaryFile() as file:
            shutil.copyfileobj(stream, cast(BinaryIO, file))
            file.seek(0)
            yield file.fileno()
    else:
        yield number


def facts(reply: dict[str, Any], content: Content) -> AudioFacts:
    """Return what was measured; what is known here is not taken from a worker.

    Raises:
        UnsupportedMediaType, InvalidAudio, CpuUsedUp: that is what the worker says.
        Nonsense.
    """
    try:
        if reply.get("cpu_used_up") is True:
            raise CpuUsedUp
        if "facts" not in reply:
            raise _ERRORS[reply["code"]](reply["message"], details=reply["details"])
        told = reply["facts"]
        known = {
            "format": AudioFormat[told["format"]],
            "size_bytes": content.size_bytes,
            "sha256": content.sha256,
            "peaks": bytes.fromhex(told["peaks"]),
            "loudness": Loudness(**told["loudness"]),
        }
        return AudioFacts(**{**told, **known})
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise Nonsense from error
