import contextlib
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sounds import npy
from voxshelf.core.errors import InvalidProfile
from voxshelf.core.profile import HEAD_BYTES, ProfileFacts
from voxshelf.core.profile import inspect_profile as inspect_head


def inspect_profile(content: bytes) -> ProfileFacts:
    return inspect_head(content[:HEAD_BYTES], len(content))


def _raw(header: bytes, data: bytes = b"", version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def _header(descr: str, shape: str) -> bytes:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i8", "u2"])
def test_plain_arrays_are_described_by_their_header(dtype):
    facts = inspect_profile(npy(np.zeros((3, 4), dtype)))
    assert (facts.shape, facts.pickled) == ((3, 4), False)
    assert np.dtype(facts.dtype) == np.dtype(dtype)


def test_a_pickled_array_is_flagged_and_never_loaded():
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was loaded",))

    facts = inspect_profile(npy(np.array([Bomb()], dtype=object)))
    assert facts.pickled
    assert facts.dtype == "|O"


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }            \n",
        b"{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}",
        b'{"shape":(1,),"fortran_order":False,"descr":"<f4"}\n',
        b"{ 'descr' : '<f4', 'fortran_order' : False, 'shape' : ( 1, ) }",
    ],
)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_headers_of_other_writers_are_read(header, version):
    assert inspect_profile(_raw(header, b"1234", version)) == ProfileFacts("<f4", (1,), False)


@given(
    dtype=st.sampled_from(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]),
    shape=st.lists(st.integers(0, 7), max_size=4).map(tuple),
    order=st.sampled_from("CF"),
)
def test_what_numpy_writes_is_described_as_numpy_does(dtype, shape, order):
    array = np.zeros(shape, dtype, order=order)
    facts = inspect_profile(npy(array))
    assert (facts.shape, np.dtype(facts.dtype), facts.pickled) == (shape, array.dtype, False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"PK\x03\x04 an npz under the name",
        pickle.dumps([1, 2]),
        npy()[:-1],
        npy() + b"x",
        _raw(_header("'<f4'", "(2,)"), b"1234"),
        _raw(_header("'|V0'", "(1,)"), b""),
        _raw(_header("'<f4'", f"({2**40},)"), b""),
        _raw(_header("'<f4'", "(-1,)"), b""),
        _raw(_header("'<f4'", "(True,)"), b"1234"),
        _raw(_header("'<f4'", "(" + "1," * 65 + ")"), b"1234"),
        _raw(_header("'<c8'", "(1,)"), b"12345678"),
        _raw(_header("[('a', '<f4')]", "(1,)"), b"1234"),
        _raw(_header("'|O'", "(1,)"), b""),
        _raw(b"__import__('os').system('true')"),
        _raw(b"(" * 5000),
        _raw(b"-" * 9000 + b"1"),
        _raw(b"{" + b"'a': True, " * 800 + b"}"),
        _raw(_header("'<f4'", "(1 2)"), b"12345678"),
        _raw(_header("'<f4'", "(,)"), b"1234"),
        _raw(_header("'<f4'", "[1]"), b"1234"),
        _raw(_header("'<f4'", "(1,), 'x': (1,)"), b"1234"),
        _raw(_header("'<f4'", "(1,)").replace(b"'fortran_order': False, ", b""), b"1234"),
        _raw(_header("'<f4'", "(1,)") + b"__import__", b"1234"),
        _raw(_header("'<f4\\x00'", "(1,)"), b"1234"),
        _raw(b"{'descr': '<f4'" + b" " * 20_000 + b"}", version=2),
        _raw(_header("'<f4'", "(1,)"), b"1234", version=9),
        npy(np.zeros(10 * 1024 * 1024 + 1, "u1")),
    ],
    ids=lambda content: repr(content[:24]),
)
def test_anything_else_is_refused(content):
    with pytest.raises(InvalidProfile):
        inspect_profile(content)


@given(st.binary(max_size=200))
def test_random_bytes_after_the_magic_are_refused_or_described(tail):
    with contextlib.suppress(InvalidProfile):
        inspect_profile(b"\x93NUMPY\x01\x00" + tail)
