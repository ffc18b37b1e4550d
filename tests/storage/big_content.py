"""Content that is larger than a test should hold in memory."""

import base64
import hashlib
import tempfile

import google_crc32c

from voxshelf.core.content import Content

BLOCK = bytes(range(256)) * 4096


def big_content(size_bytes: int) -> Content:
    """Return content in a file; the size is a whole number of MiB."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the content
    sha256, checksum = hashlib.sha256(), google_crc32c.Checksum()
    for _ in range(size_bytes // len(BLOCK)):
        file.write(BLOCK)
        sha256.update(BLOCK)
        checksum.update(BLOCK)
    crc32c = base64.b64encode(checksum.digest()).decode()
    return Content(file, size_bytes, sha256.hexdigest(), crc32c)
