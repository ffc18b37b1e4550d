from dataclasses import replace

import pytest

from tests.contracts.content_cache_contract import sha256
from tests.contracts.library_contract import PROFILE, voice
from voxshelf.core.errors import NotFound
from voxshelf.use_cases.read_profile import read_profile

OLD = replace(PROFILE, path="old.npy", sha256=sha256(b"old"))
NEW = replace(PROFILE, path="new.npy", sha256=sha256(b"new"))


class Looks:
    """Plays `Catalogue`: each look at the voice finds the next of these profiles."""

    def __init__(self, *profiles):
        self._profiles = list(profiles)

    def voice(self, uid, voice_id):
        if not self._profiles:
            raise NotFound("There is no such item in your library.")
        return voice(voice_id, profile=self._profiles.pop(0))


class Files:
    """Plays `ContentCache` with a few files."""

    def __init__(self, **contents):
        self._contents = contents

    def read(self, path, digest):
        name = path.removesuffix(".npy")
        if name not in self._contents:
            raise NotFound("There is no such file.")
        assert digest == sha256(self._contents[name])
        return self._contents[name]


def read(catalogue, cache):
    return read_profile("ada", "voice_a", catalogue=catalogue, cache=cache)


def test_a_profile_that_is_replaced_while_it_is_read_is_the_new_one():
    assert read(Looks(OLD, NEW), Files(new=b"new")) == (NEW, b"new")


def test_a_profile_that_is_there_is_looked_up_once():
    assert read(Looks(OLD), Files(old=b"old")) == (OLD, b"old")


@pytest.mark.parametrize("then", [[], [None], [OLD]], ids=["voice gone", "none now", "file lost"])
def test_a_profile_that_is_deleted_while_it_is_read_is_not_found(then):
    with pytest.raises(NotFound):
        read(Looks(OLD, *then), Files(new=b"new"))
