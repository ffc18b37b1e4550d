"""What every `ContentCache` must do, whether it keeps anything or not."""

import hashlib

import pytest

from voxshelf.core.errors import NotFound, Unavailable

DATA = bytes(range(256)) * 40


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class ContentCacheContract:
    """Reading through, on the fixtures `cache` and `objects`."""

    def test_what_the_store_holds_is_read_each_time(self, cache, objects):
        objects.plant("voice_profiles/u/a.npy", DATA)
        for _ in range(3):
            assert cache.read("voice_profiles/u/a.npy", sha256(DATA)) == DATA
        assert cache.figures["hits"] + cache.figures["misses"] == 3

    def test_an_empty_object_is_read_too(self, cache, objects):
        objects.plant("empty", b"")
        assert [cache.read("empty", sha256(b"")) for _ in range(2)] == [b"", b""]

    def test_what_is_not_there_is_not_found(self, cache, objects):
        for _ in range(2):
            with pytest.raises(NotFound):
                cache.read("voice_profiles/u/none.npy", sha256(DATA))

    def test_other_bytes_than_were_asked_for_are_never_handed_out(self, cache, objects):
        objects.plant("damaged", b"damaged")
        for _ in range(2):
            with pytest.raises(Unavailable):
                cache.read("damaged", sha256(DATA))
        objects.plant("damaged", DATA)
        assert cache.read("damaged", sha256(DATA)) == DATA

    def test_the_same_path_with_other_digests_is_read_for_each(self, cache, objects):
        objects.plant("path", DATA)
        cache.read("path", sha256(DATA))
        objects.plant("path", b"newer")
        assert cache.read("path", sha256(b"newer")) == b"newer"
