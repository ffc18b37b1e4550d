"""Bodies in JSON and forms that are made to do damage."""

import base64
import json
import struct
from collections.abc import Mapping

_BOUNDARY = "----hostile"
FORM = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
JSON = {"Content-Type": "application/json"}
ZIP = {"Content-Type": "application/zip"}
# As large as a body may be.
BODY_BYTES = 31 * 1024**2


def filled(piece: bytes, size_bytes: int, begin: bytes = b"", end: bytes = b"") -> bytes:
    """Return a piece so often that it has so many bytes."""
    return begin + piece * (size_bytes // len(piece)) + end


def many_keys(size_bytes: int) -> bytes:
    """An object of as many names as fit."""
    count = size_bytes // 13
    return b"{" + b",".join(b'"%07x":1' % number for number in range(count)) + b"}"


def small_objects(count: int) -> bytes:
    """An object that holds a list of little ones."""
    return b'{"tags": [' + b",".join([b'{"a":1}'] * count) + b"]}"


def base64_fields(**sizes: int) -> bytes:
    """Fields of base64 that stand for so many bytes each."""
    said = {name: base64.b64encode(bytes(size)).decode() for name, size in sizes.items()}
    return json.dumps({"voice_id": "voice_never", "voice_name": "x", **said}).encode()


def escaped_base64(size_bytes: int) -> bytes:
    """Base64 in which each letter is written as an escape of six."""
    return filled(rb"\u0041", size_bytes, b'{"voice_id": "voice_never", "audio_base64": "', b'"}')


def part(name: str, value: bytes, head: str = "", file_name: str | None = None) -> bytes:
    """One part of a form."""
    file = "" if file_name is None else f'; filename="{file_name}"'
    said = f'Content-Disposition: form-data; name="{name}"{file}\r\n{head}\r\n'
    return f"--{_BOUNDARY}\r\n{said}".encode() + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    """A form of these parts."""
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


def npy(header_bytes: int, size_bytes: int) -> bytes:
    """A profile whose header is nearly all of it."""
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1," * header_bytes + b"), }\n"
    head = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text
    return head + bytes(max(0, size_bytes - len(head)))


def voice_form(audio: bytes, profile: bytes, fields: Mapping[str, str]) -> bytes:
    """A save of a voice."""
    texts = [part(name, value.encode()) for name, value in fields.items()]
    files = [part("audio_file", audio, file_name="a.wav"), part("profile_file", profile, "", "p")]
    return form(*texts, *files)
