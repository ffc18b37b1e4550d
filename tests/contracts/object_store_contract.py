"""What every `ObjectStore` must do; see `library_contract` for who runs it."""

import secrets

import pytest

from tests.sounds import content
from voxshelf.core.content import NewObject
from voxshelf.core.errors import Unavailable


class ObjectStoreContract:
    """Tests of one implementation: the fixtures `store`, and `read(path)` for bytes or None."""

    def _new(self, data=b"RIFF bytes", **changes):
        fields = {
            "path": f"voice_samples/u{secrets.token_hex(4)}/voice_ü_音.wav",
            "content": content(data),
            "content_type": "audio/wav",
            "disposition": "inline",
            "token": "token-1",
        }
        return NewObject(**{**fields, **changes})

    def test_an_object_reads_back_equal(self, store, read):
        new = self._new()
        store.create([new])
        assert read(new.path) == b"RIFF bytes"

    def test_several_objects_are_written_together(self, store, read):
        news = [self._new(bytes([number]) * 300_000) for number in range(3)]
        store.create(news)
        assert [read(new.path) for new in news] == [bytes([n]) * 300_000 for n in range(3)]

    def test_the_same_object_again_is_success(self, store, read):
        new = self._new()
        store.create([new])
        store.create([new])
        assert read(new.path) == b"RIFF bytes"

    def test_deleting_is_success_even_when_nothing_is_there(self, store, read):
        new = self._new()
        store.create([new])
        store.delete([new.path, "voice_samples/u/never"])
        store.delete([new.path])
        assert read(new.path) is None


class CreateOnlyContract(ObjectStoreContract):
    """Also for stores that know preconditions, which the Firebase emulator ignores."""

    def test_another_object_never_overwrites_the_first(self, store, read):
        new = self._new()
        store.create([new])
        with pytest.raises(Unavailable):
            store.create([self._new(b"other bytes", path=new.path)])
        assert read(new.path) == b"RIFF bytes"
