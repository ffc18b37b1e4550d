"""What every `ObjectStore` must do; see `library_contract` for who runs it."""

import io
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.sounds import content
from voxshelf.core.content import NewObject, StoredObject
from voxshelf.core.errors import NotFound, Unavailable

# Between writing and looking at the clock, on a busy machine.
NOW = timedelta(minutes=1)


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
        store.begin([new]).finish()
        assert read(new.path) == b"RIFF bytes"

    def test_several_objects_are_written_together(self, store, read):
        news = [self._new(bytes([number]) * 300_000) for number in range(3)]
        store.begin(news).finish()
        assert [read(new.path) for new in news] == [bytes([n]) * 300_000 for n in range(3)]

    def test_nothing_exists_before_the_writing_is_finished(self, store, read):
        news = [self._new(bytes([number]) * size) for number, size in enumerate((10, 300_000))]
        writing = store.begin(news)
        time.sleep(0.2)
        assert [read(new.path) for new in news] == [None, None]
        writing.finish()
        assert [len(read(new.path)) for new in news] == [10, 300_000]

    def test_what_was_cancelled_never_exists_and_may_be_begun_again(self, store, read):
        new = self._new(bytes(300_000))
        store.begin([new]).cancel()
        late = store.begin([new])
        time.sleep(0.2)
        late.cancel()
        assert read(new.path) is None
        store.begin([new]).finish()
        assert read(new.path) == bytes(300_000)

    def test_the_same_object_again_is_success(self, store, read):
        new = self._new()
        store.begin([new]).finish()
        store.begin([new]).finish()
        assert read(new.path) == b"RIFF bytes"

    def test_deleting_is_success_even_when_nothing_is_there(self, store, read):
        new = self._new()
        store.begin([new]).finish()
        store.delete([new.path, "voice_samples/u/never"])
        store.delete([new.path])
        assert read(new.path) is None

    def test_an_object_has_a_size_and_a_missing_one_has_none(self, store):
        new = self._new(bytes(300_001))
        store.begin([new]).finish()
        assert store.size(new.path) == 300_001
        assert store.size(f"{new.path}.other") is None

    def test_what_is_put_in_an_objects_place_has_another_generation(self, store):
        new = self._new(bytes(1000))
        store.begin([new]).finish()
        first = store.stat(new.path)
        assert (first.size_bytes, store.stat(new.path)) == (1000, first)
        store.delete([new.path])
        assert store.stat(new.path) is None
        store.begin([self._new(bytes(2000), path=new.path)]).finish()
        second = store.stat(new.path)
        assert (second.size_bytes, second.generation != first.generation) == (2000, True)

    def test_an_object_is_removed_by_its_generation_and_another_one_stays(self, store, read):
        new = self._new(b"first")
        store.begin([new]).finish()
        first = store.stat(new.path).generation
        store.delete([new.path])
        store.begin([self._new(b"second", path=new.path)]).finish()
        store.delete_generation(new.path, first)
        assert read(new.path) == b"second"
        store.delete_generation(new.path, store.stat(new.path).generation)
        assert read(new.path) is None
        store.delete_generation(new.path, first)

    def test_a_download_is_the_whole_object_written_where_the_file_stands(self, store):
        data = secrets.token_bytes(700_001)
        new = self._new(data)
        store.begin([new]).finish()
        into = io.BytesIO(b"before")
        into.seek(6)
        store.download(new.path, into)
        assert into.getvalue() == b"before" + data

    def test_downloading_what_is_missing_says_so_and_writes_nothing(self, store):
        into = io.BytesIO()
        with pytest.raises(NotFound):
            store.download("uploads/u/never", into)
        assert into.getvalue() == b""

    @pytest.mark.parametrize(
        ("start", "length"), [(0, 1), (0, 300_001), (299_999, 2), (1000, 262_145), (7, 0)]
    )
    def test_a_range_reads_just_these_bytes(self, store, start, length):
        data = secrets.token_bytes(300_001)
        new = self._new(data)
        store.begin([new]).finish()
        assert store.read(new.path, start, length) == data[start : start + length]

    def test_a_range_of_what_is_missing_says_so(self, store):
        with pytest.raises(NotFound):
            store.read("uploads/u/never", 0, 10)

    @pytest.mark.parametrize(("start", "length"), [(5, 6), (10, 1), (1000, 1)])
    def test_a_range_past_the_end_is_no_shorter_range(self, store, start, length):
        new = self._new(b"0123456789")
        store.begin([new]).finish()
        with pytest.raises(Unavailable):
            store.read(new.path, start, length)

    def test_a_prefix_lists_its_objects_and_no_others_as_they_are(self, store):
        folder = f"uploads/u{secrets.token_hex(4)}"
        paths = [f"{folder}/{name}" for name in ("a.wav", "b/c.wav", "ж & #?.wav")]
        store.begin([self._new(path=path) for path in [*paths, f"{folder}x/a.wav"]]).finish()
        listed = list(store.names(f"{folder}/"))
        assert [found.path for found in listed] == paths
        for found in listed:
            assert abs(datetime.now(UTC) - found.created_at) < NOW
            assert StoredObject(found.size_bytes, found.generation) == store.stat(found.path)
        assert list(store.names(f"{folder}/never")) == []


class CreateOnlyContract(ObjectStoreContract):
    """Also for stores that know preconditions, which the Firebase emulator ignores."""

    def test_another_object_never_overwrites_the_first(self, store, read):
        new = self._new()
        store.begin([new]).finish()
        with pytest.raises(Unavailable):
            store.begin([self._new(b"other bytes", path=new.path)]).finish()
        assert read(new.path) == b"RIFF bytes"

    def test_the_same_bytes_under_another_token_are_another_object(self, store):
        new = self._new()
        store.begin([new]).finish()
        with pytest.raises(Unavailable):
            store.begin([self._new(path=new.path, token="token-2")]).finish()

    def test_of_racing_writers_of_one_name_exactly_one_wins(self, store, read):
        path = self._new().path
        news = [self._new(bytes([number]) * 300_000, path=path) for number in range(8)]
        outcomes = _race(store, news)
        winners = [number for number, error in enumerate(outcomes) if error is None]
        assert len(winners) == 1
        assert read(path) == bytes([winners[0]]) * 300_000
        assert all(isinstance(error, Unavailable) for error in outcomes if error is not None)

    def test_racing_writers_of_the_same_object_all_succeed(self, store, read):
        path = self._new().path
        news = [self._new(b"same" * 100_000, path=path) for _ in range(8)]
        assert _race(store, news) == [None] * 8
        assert read(path) == b"same" * 100_000


def _create(store, new):
    store.begin([new]).finish()


def _race(store, news):
    """Create all at once; return each one's error, or None for success."""
    with ThreadPoolExecutor(len(news)) as threads:
        return [done.exception() for done in [threads.submit(_create, store, n) for n in news]]
