"""Request bodies written out by hand."""

import base64
import json

BOUNDARY = "----hardening"


def part(name: str, value: bytes, file_name: str | None = None) -> bytes:
    """One part of a form; a file when it has a file name."""
    file = "" if file_name is None else f'; filename="{file_name}"'
    head = f'Content-Disposition: form-data; name="{name}"{file}\r\n'
    return f"--{BOUNDARY}\r\n{head}\r\n".encode() + value + b"\r\n"


def form(*parts: bytes, end: bytes = f"--{BOUNDARY}--\r\n".encode()) -> dict:
    """A request with a multipart body."""
    content_type = f"multipart/form-data; boundary={BOUNDARY}"
    return {"data": b"".join(parts) + end, "content_type": content_type}


def json_body(value: object) -> dict:
    """A request with a JSON body; bytes are sent as they are."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return {"data": data, "content_type": "application/json"}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
