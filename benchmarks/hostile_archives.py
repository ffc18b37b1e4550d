"""Archives for an import that are made to do damage."""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable

_HEADER = b'{"format": "voxshelf-export", "version": 1, "created_at": "2026-01-01T00:00:00Z"}'
_MIB = 1024**2
_GIB = 1024**3


def _zip(lines: bytes, files: Iterable[tuple[str, bytes]] = ()) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("voxshelf-export.json", _HEADER)
        for name, data in files:
            archive.writestr(name, data)
        archive.writestr("items.jsonl", lines)
    return file.getvalue()


def million_lines(line: bytes) -> bytes:
    """A million lines in about a kilobyte."""
    return _zip(line * 1_000_000)


def long_lines(count: int) -> bytes:
    """64 MiB of lines that are JSON, of one kind of item each."""
    pad = "x" * (62 * _MIB // count)
    line = {"kind": "voice", "id": "a", "files": {}, "description": pad}
    return _zip((json.dumps(line).encode() + b"\n") * count)


def crowded_line() -> bytes:
    """Lines of as many little objects as one may have."""
    line = {"kind": "voice", "id": "a", "files": {}, "tags": [{"a": 1}] * 50_000}
    return _zip((json.dumps(line).encode() + b"\n") * 30)


def one_line() -> bytes:
    """One line of 60 MiB."""
    return _zip(b'{"kind": "' + b"x" * 60 * _MIB)


def directory(count: int, name_bytes: int = 1) -> bytes:
    """An archive of nothing but a directory of so many entries."""
    entries = b"".join(_entry(b"%x" % number, name_bytes) for number in range(count))
    claimed = min(count, 0xFFFF)
    return entries + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, claimed, claimed, len(entries), 0, 0)


def _entry(name: bytes, name_bytes: int) -> bytes:
    padded = name.ljust(name_bytes, b"x") if name_bytes > 1 else name[-1:]
    fixed = (b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 0x21, 0, 0, 0, len(padded), 0, 0, 0, 0, 0, 0)
    return struct.pack("<4s4B4HL2L5H2L", *fixed) + padded


def overlapping(count: int) -> bytes:
    """Entries that all unpack the same megabytes of zeros."""
    data = zlib.compress(bytes(200 * _MIB), 1)[2:-4]
    local = struct.pack("<4s2B4HL2L2H", b"PK\3\4", 20, 0, 0, 8, 0, 0x21, 0, 0, 0, 1, 0) + b"x"
    entries = b""
    for number in range(count):
        name = b"%d" % number
        fixed = (b"PK\1\2", 20, 3, 20, 0, 0, 8, 0, 0x21, 0, len(data), 200 * _MIB, len(name))
        entries += struct.pack("<4s4B4HL2L5H2L", *fixed, 0, 0, 0, 0, 0, 0) + name
    end = (b"PK\5\6", 0, 0, count, count, len(entries), len(local) + len(data), 0)
    return local + data + entries + struct.pack("<4s4H2LH", *end)


def _voice(item_id: str, **files: bytes) -> dict[str, object]:
    line: dict[str, object] = {
        "kind": "voice",
        "id": item_id,
        "name": item_id,
        "created_at": "2026-01-01T00:00:00Z",
        "files": {role: f"{role}.wav" for role in files},
    }
    for role, data in files.items():
        facts = {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        consent = {"statement": "x", "granted_by": "x", "granted_at": "2026-01-01T00:00:00Z"}
        line[role] = {**consent, "audio": facts} if role == "consent" else facts
    return line


def zeros(size_bytes: int) -> bytes:
    """A voice whose sample is zeros, packed to a thousandth."""
    data = bytes(size_bytes)
    return _zip(json.dumps(_voice("zeros", sample=data)).encode(), [("sample.wav", data)])


def two_large_files() -> bytes:
    """A voice whose sample and consent are 200 MiB each, in 400 kB."""
    data = bytes(200 * _MIB)
    line = json.dumps(_voice("zeros", sample=data, consent=data)).encode()
    return _zip(line, [("sample.wav", data), ("consent.wav", data)])


def one_file_many_lines(audio: bytes, count: int) -> bytes:
    """One file that the lines of many voices name."""
    facts = _voice("v", sample=audio)
    lines = (json.dumps({**facts, "id": f"v{n}", "name": f"v{n}"}) for n in range(count))
    return _zip("\n".join(lines).encode(), [("sample.wav", audio)])


def nested(depth: int) -> bytes:
    """Archives within archives."""
    inner = zeros(50 * _MIB)
    for _ in range(depth):
        inner = _zip(json.dumps(_voice("zip", sample=inner)).encode(), [("sample.wav", inner)])
    return inner


def four_gigabytes() -> bytes:
    """An entry that unpacks to 4 GiB of zeros, which the directory says is 200 MiB."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    block = bytes(64 * _MIB)
    data = b"".join([*(packer.compress(block) for _ in range(64)), packer.flush()])
    whole = bytearray(zeros(200 * _MIB))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        entry = archive.getinfo("sample.wav")
        lines = archive.read("items.jsonl")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("voxshelf-export.json", _HEADER)
        archive.writestr("sample.wav", data)
        archive.writestr("items.jsonl", lines)
    made = bytearray(file.getvalue())
    place = made.index(b"PK\1\2", made.index(b"PK\1\2") + 1)
    struct.pack_into("<H", made, place + 10, zipfile.ZIP_DEFLATED)
    struct.pack_into("<L", made, place + 16, entry.CRC)
    struct.pack_into("<L", made, place + 24, 200 * _MIB)
    return bytes(made)
