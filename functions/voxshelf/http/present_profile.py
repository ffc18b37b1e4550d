"""A voice's profile itself as an answer: in JSON, or as the file."""

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from voxshelf.core.file_names import disposition, profile_name
from voxshelf.core.profile import PROFILE_CONTENT_TYPE
from voxshelf.http.boundary import Answer

if TYPE_CHECKING:
    from voxshelf.core.items import Voice
    from voxshelf.core.profile import Profile
    from voxshelf.http.wire_profile import ProfileContent

# Of whole groups of three bytes, so that the pieces together are the base64 of the whole.
_PIECE_BYTES = 3 * 64 * 1024


def profile_as_json(voice_id: str, profile: "Profile", data: bytes) -> Answer:
    """Return the profile as base64, with what is known of it.

    It is made while it is sent. Eight profiles of 10 MB at once, each as one text, take 250 MB.
    """
    body: ProfileContent = {
        "status": "success",
        "voice_id": voice_id,
        "dtype": profile.dtype,
        "shape": list(profile.shape),
        "pickled": profile.pickled,
        "trusted": profile.trusted,
        "size_bytes": profile.size_bytes,
        "sha256": profile.sha256,
        "profile_base64": "",
    }
    head = json.dumps(body).encode().removesuffix(b'"}')
    headers = {"Content-Type": "application/json"}
    return Answer({}, headers=headers, stream=_with_base64(head, data))


def _with_base64(head: bytes, data: bytes) -> Iterator[bytes]:
    yield head
    for start in range(0, len(data), _PIECE_BYTES):
        yield base64.b64encode(data[start : start + _PIECE_BYTES])
    yield b'"}\n'


def profile_as_file(voice: "Voice", data: bytes) -> Answer:
    """Return the profile as a file to be kept: a browser must not open a pickle."""
    headers = {
        "Content-Type": PROFILE_CONTENT_TYPE,
        "Content-Disposition": disposition("attachment", profile_name(voice)),
        "Content-Length": str(len(data)),
    }
    return Answer({}, headers=headers, stream=iter([data]))
