"""The JSON objects of uploads; see `wire` for all others."""

from typing import Literal, TypedDict


class UploadBody(TypedDict):
    """Leave to upload one file to `path`, once: of this type, and of this size at the most."""

    upload_id: str
    path: str
    size_bytes: int
    content_type: str
    expires_at: str | None


class UploadGiven(TypedDict):
    """The answer to a wish for an upload."""

    status: Literal["success"]
    message: str
    upload: UploadBody


class UploadGivenBack(TypedDict):
    """The answer to an upload that is not needed."""

    status: Literal["success"]
    message: str
    upload_id: str
