"""Every row of hostile profiles, as a save, and what becomes of a pickle."""

import io
import struct

import numpy as np
import pytest

from tests.hardening.bodies import form, part
from tests.hardening.conftest import SLOWEST_S
from tests.sounds import npy, wav

AUDIO = wav(1.0)


def header(descr: str, shape: str, data: bytes = b"", *, version: int = 1) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(4))
    return file.getvalue()


REFUSED = {
    "npz under the name": npz,
    "|V0": lambda: header("'|V0'", "(1,)"),
    "|V8": lambda: header("'|V8'", "(1,)", bytes(8)),
    "a shape of 1 TiB": lambda: header("'<f4'", f"({2**38},)"),
    "a shape of 1 TiB in two": lambda: header("'<f4'", f"({2**19}, {2**19})"),
    "a shape beyond 64 bits": lambda: header("'<f4'", f"({2**64}, 0)"),
    "a shape of 5,000 digits": lambda: header("'<f4'", f"({'9' * 5000},)"),
    "a negative shape": lambda: header("'<f4'", "(-1,)", bytes(4)),
    "two negative sizes": lambda: header("'<f4'", "(-1, -1)", bytes(4)),
    "65 dimensions": lambda: header("'<f4'", "(" + "1," * 65 + ")", bytes(4)),
    "5 dimensions": lambda: header("'<f4'", "(1, 1, 1, 1, 1)", bytes(4)),
    "truncated": lambda: npy()[:-1],
    "trailing bytes": lambda: npy() + b"\0",
    "more than 10 MB": lambda: npy(np.zeros(10 * 1024 * 1024, "u1")),
    "complex numbers": lambda: header("'<c16'", "(1,)", bytes(16)),
    "text": lambda: header("'<U4'", "(1,)", bytes(16)),
    "a structured array": lambda: header("[('a', '<f4')]", "(1,)", bytes(4)),
    "a header of 20 KB": lambda: header("'<f4'", "(1,)" + " " * 20_000, bytes(4), version=2),
    "a header length of 2^32-1": lambda: b"\x93NUMPY\x02\0\xff\xff\xff\xff" + bytes(100),
    "code in the header": lambda: header("__import__('os').system('id')", "(1,)", bytes(4)),
    "a header that nests without end": lambda: header("-" * 9000 + "1", "(1,)", bytes(4)),
    "a pickle without the format": lambda: b"\x80\x04cos\nsystem\n(S'id'\ntR.",
    "a pickled array without its pickle": lambda: header("'|O'", "(1,)"),
    "the magic alone": lambda: b"\x93NUMPY",
    "audio": lambda: AUDIO,
}


def save(post, profile: bytes):
    parts = [("voice_name", b"Row"), ("audio_file", AUDIO, "a"), ("profile_file", profile, "p.npy")]
    return post("voices_save", **form(*(part(*values) for values in parts)))


@pytest.mark.parametrize("row", REFUSED)
def test_a_profile_that_is_not_one_is_422(post, services, row):
    answer = save(post, REFUSED[row]())
    assert (answer.status, answer.code) == (422, "invalid_profile"), answer.body
    assert answer.took_s < SLOWEST_S
    assert services.objects.stored == {}


def test_a_pickle_is_kept_unread_and_goes_to_no_worker(post, services):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was loaded",))

    data = npy(np.array([Bomb()], dtype=object))
    answer = save(post, data)
    assert answer.status == 201, answer.body
    profile = answer.body["voice"]["profile"]
    assert (profile["pickled"], profile["trusted"], profile["dtype"]) == (True, False, "|O")
    stored, kept = services.objects.stored[profile["path"]]
    assert kept == data
    assert stored.content_type == "application/octet-stream"
    assert stored.disposition.startswith("attachment; ")
