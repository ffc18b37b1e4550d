"""The JSON object of a voice's profile itself; see `wire` for all others."""

from typing import Literal, TypedDict


class ProfileContent(TypedDict):
    """A voice's profile itself, for where a link to the file does not do."""

    status: Literal["success"]
    voice_id: str
    dtype: str
    shape: list[int]
    pickled: bool
    trusted: bool
    size_bytes: int
    sha256: str
    profile_base64: str
