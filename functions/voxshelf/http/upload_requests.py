"""The request for a slot (the contract, section 7), read into a value."""

from typing import TYPE_CHECKING

from voxshelf.core.errors import invalid
from voxshelf.core.upload_slots import WantedUpload
from voxshelf.http.fields import FieldReader

if TYPE_CHECKING:
    from voxshelf.http.body import Fields

# Much more than a size and a type.
MAX_REQUEST_BYTES = 16 * 1024
MAX_TYPE_CHARACTERS = 200


def read_wanted_upload(fields: "Fields") -> WantedUpload:
    """Read the body of `POST /api/uploads`.

    Raises:
        InvalidRequest: naming the field.
        PayloadTooLarge: when no upload of this type may be so large.
    """
    reader = FieldReader(fields)
    content_type = reader.required_text("content_type", max_characters=MAX_TYPE_CHARACTERS)
    size_bytes = reader.value("size_bytes")
    if not isinstance(size_bytes, int) or isinstance(size_bytes, bool):
        raise invalid("size_bytes", "a whole number from 1 on")
    return WantedUpload.parse(size_bytes, content_type)
