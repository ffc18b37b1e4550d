"""Voice profiles: NumPy `.npy` files, judged by their header alone.

The format is NumPy's NEP 1. Nothing of the array is ever loaded: real profiles of this
workflow are pickled objects, and loading a pickle runs code. Those are kept as opaque
bytes and flagged; a plain array must fill the file to the byte.
"""

import math
import re
from dataclasses import dataclass

from voxshelf.core.errors import InvalidProfile

MAX_PROFILE_BYTES = 10 * 1024 * 1024
MAX_HEADER_BYTES = 10 * 1024
# What holds any header that is taken: magic, version, its length, itself.
HEAD_BYTES = 12 + MAX_HEADER_BYTES
MAX_DIMENSIONS = 4
PROFILE_CONTENT_TYPE = "application/octet-stream"

_MAGIC = b"\x93NUMPY"
# The width of the header's length field, by major version of the format (NEP 1).
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
# One name and its value: text without escapes, a flag, or sizes in brackets.
_FIELD = re.compile(
    r"""\s*(?P<q>['"])(?P<name>\w+)(?P=q)\s*:\s*"""
    r"""(?:(?P<w>['"])(?P<text>[^'"\\]*)(?P=w)|(?P<flag>True|False)|\((?P<sizes>[^()]*)\))"""
    r"""\s*(?:,\s*|(?=\}))"""
)
_SIZE = re.compile(r"[0-9]{1,8}")
_PLAIN_DTYPE = re.compile(r"[<>=|](?:f([248])|[iu]([1248]))")


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """What the header says: `dtype` in NumPy's notation, `shape`, and whether it is a pickle."""

    dtype: str
    shape: tuple[int, ...]
    pickled: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """A stored profile. `trusted` tells whether it may be sent to a GPU worker."""

    path: str
    token: str
    size_bytes: int
    sha256: str
    dtype: str
    shape: tuple[int, ...]
    pickled: bool
    trusted: bool


def inspect_profile(head: bytes, size_bytes: int) -> ProfileFacts:
    """Read the facts of a profile from its first `HEAD_BYTES` bytes and its length.

    Raises:
        InvalidProfile: when it is not an `.npy` file, is truncated, has bytes to spare,
            or is outside the limits on size, header, dtype and dimensions.
    """
    if size_bytes > MAX_PROFILE_BYTES:
        raise InvalidProfile(f"The profile is larger than {MAX_PROFILE_BYTES} bytes.")
    header, header_end = _header(head)
    dtype, shape = _read_header(header)
    data_bytes = size_bytes - header_end
    if dtype == "|O":
        if data_bytes == 0:
            raise InvalidProfile("The profile ends after its header.")
        return ProfileFacts(dtype, shape, pickled=True)
    if data_bytes != math.prod(shape) * _item_bytes(dtype):
        raise InvalidProfile("The profile's length does not match the shape in its header.")
    return ProfileFacts(dtype, shape, pickled=False)


def _header(head: bytes) -> tuple[bytes, int]:
    length_bytes = _LENGTH_BYTES.get(head[6]) if len(head) > 8 else None
    if not head.startswith(_MAGIC) or length_bytes is None:
        raise InvalidProfile("The profile is not a NumPy .npy file: save it with numpy.save.")
    start = 8 + length_bytes
    end = start + int.from_bytes(head[8:start], "little")
    if end > min(HEAD_BYTES, len(head)):
        raise InvalidProfile("The profile's header is truncated or too long.")
    return head[start:end], end


def _read_header(header: bytes) -> tuple[str, tuple[int, ...]]:
    fields = _fields(header.decode("latin-1").strip())
    if set(fields) != {"descr", "fortran_order", "shape"}:
        raise InvalidProfile("The profile's header cannot be read, or says more than it should.")
    return fields["descr"], _shape(fields["shape"])


def _fields(text: str) -> dict[str, str]:
    """Return the values of a header as they are written; of a damaged one, none.

    NumPy reads it with `ast.literal_eval`, which can exhaust the stack of the process.
    """
    fields, offset = {}, 1
    while text.startswith("{") and (match := _FIELD.match(text, offset)):
        name, value = match["name"], match["text"] or match["flag"] or match["sizes"] or ""
        fields[name], offset = value, match.end()
    return fields if text[offset:].strip() == "}" else {}


def _shape(text: str) -> tuple[int, ...]:
    sizes = [size.strip() for size in text.split(",")]
    if sizes[-1] == "":
        sizes.pop()
    if len(sizes) > MAX_DIMENSIONS or not all(map(_SIZE.fullmatch, sizes)):
        raise InvalidProfile(f"The profile's shape must have 0 to {MAX_DIMENSIONS} plain sizes.")
    return tuple(int(size) for size in sizes)


def _item_bytes(dtype: str) -> int:
    match = _PLAIN_DTYPE.fullmatch(dtype)
    if match is None:
        raise InvalidProfile(
            "The profile's dtype is not taken: float16, float32, float64 or integers are.",
            details={"dtype": dtype[:20]},
        )
    return int(match[1] or match[2])
