"""Files under /tmp: bounded, shared, and never trusted."""

import multiprocessing
import os
import random
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from tests.contracts.content_cache_contract import DATA, ContentCacheContract, sha256
from tests.fakes.memory_objects import MemoryObjects
from tests.unit.cache_readers import read_at_random, read_where_writes_break_off
from voxshelf.adapters.tmp_cache import PAGE_BYTES, TmpCache
from voxshelf.core.errors import Unavailable

ROOM_FOR_THREE = 3 * PAGE_BYTES
# A new process, as instances of a function are: nothing of this one's state goes along.
SPAWN = multiprocessing.get_context("spawn")


class CountingObjects(MemoryObjects):
    """Plays `ObjectStore` and lists what is downloaded; `gate` holds downloads up."""

    def __init__(self):
        super().__init__()
        self.downloads = []
        self.gate = threading.Event()
        self.gate.set()

    def download(self, path, into):
        self.downloads.append(path)
        assert self.gate.wait(10)
        super().download(path, into)


@pytest.fixture
def objects():
    return CountingObjects()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def planted(objects, *names):
    """Put an object of one page for each name into the store; return them with their digests."""
    files = {name: name.encode() * 10 for name in names}
    for name, data in files.items():
        objects.plant(name, data)
    return {name: sha256(data) for name, data in files.items()}


def kept_in(folder):
    return {file.name for file in folder.iterdir()}


def taken_by(folder):
    sizes = [file.stat().st_size for file in folder.iterdir()]
    return sum(-(-size // PAGE_BYTES) * PAGE_BYTES for size in sizes)


class TestKeeping(ContentCacheContract):
    @pytest.fixture
    def cache(self, objects, folder):
        return TmpCache(objects, folder, max_bytes=10**6)


class TestKeepingOneThing(ContentCacheContract):
    """Each object that is read drives the one before it out."""

    @pytest.fixture
    def cache(self, objects, folder):
        return TmpCache(objects, folder, max_bytes=len(DATA) + PAGE_BYTES)


class TestSwitchedOff(ContentCacheContract):
    @pytest.fixture
    def cache(self, objects, folder):
        return TmpCache(objects, folder, max_bytes=0)


class TestWhereNothingCanBeKept(ContentCacheContract):
    @pytest.fixture
    def cache(self, objects, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        return TmpCache(objects, tmp_path / "file" / "cache", max_bytes=10**6)


def test_a_second_read_asks_the_store_for_nothing(objects, folder):
    digests = planted(objects, "a")
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    assert cache.read("a", digests["a"]) == cache.read("a", digests["a"])
    assert objects.downloads == ["a"]
    assert cache.figures == {"hits": 1, "misses": 1, "evictions": 0, "fetched_bytes": 10}


def test_the_same_bytes_at_another_path_are_near_already(objects, folder):
    digests = planted(objects, "a")
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    assert cache.read("a", digests["a"]) == cache.read("renamed", digests["a"])
    assert objects.downloads == ["a"]


def test_switched_off_it_leaves_nothing_and_takes_nothing(objects, folder):
    digests = planted(objects, "a")
    TmpCache(objects, folder, ROOM_FOR_THREE).read("a", digests["a"])
    before = kept_in(folder)
    off = TmpCache(objects, folder, 0)
    off.read("a", digests["a"])
    assert objects.downloads == ["a", "a"]
    assert kept_in(folder) == before


def test_what_was_not_used_for_longest_goes_first(objects, folder):
    digests = planted(objects, *"abcde")
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    for name in "abcabd":
        cache.read(name, digests[name])
    assert kept_in(folder) == {digests[name] for name in "abd"}
    cache.read("e", digests["e"])
    assert kept_in(folder) == {digests[name] for name in "bde"}
    assert cache.figures["evictions"] == 2


def test_what_is_larger_than_the_bound_is_read_and_drives_nothing_out(objects, folder):
    digests = planted(objects, *"abc")
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    for name in "abc":
        cache.read(name, digests[name])
    large = bytes(ROOM_FOR_THREE + 1)
    objects.plant("large", large)
    assert cache.read("large", sha256(large)) == large
    assert kept_in(folder) == set(digests.values())


def test_small_files_count_with_the_whole_page_that_they_take(objects, folder):
    digests = planted(objects, *"abcdefgh")
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    for name, digest in digests.items():
        cache.read(name, digest)
    assert kept_in(folder) == {digests[name] for name in "fgh"}


@pytest.mark.parametrize(
    "damaged", [b"", b"a" * 9, b"b" * 10, b"a" * 11], ids=["emptied", "cut", "altered", "longer"]
)
def test_a_damaged_file_is_a_miss_and_is_replaced(objects, folder, damaged):
    digests = planted(objects, "a")
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    cache.read("a", digests["a"])
    (folder / digests["a"]).write_bytes(damaged)
    assert cache.read("a", digests["a"]) == b"a" * 10
    assert (folder / digests["a"]).read_bytes() == b"a" * 10
    assert (cache.figures["hits"], cache.figures["misses"]) == (0, 2)


def test_a_damaged_download_is_never_kept(objects, folder):
    planted(objects, "a")
    with pytest.raises(Unavailable):
        TmpCache(objects, folder, ROOM_FOR_THREE).read("a", sha256(b"other"))
    assert not folder.exists() or kept_in(folder) == set()


def test_what_others_left_half_written_goes_like_anything_old(objects, folder):
    digests = planted(objects, *"abc")
    folder.mkdir()
    (folder / "tmphalf").write_bytes(bytes(PAGE_BYTES))
    os.utime(folder / "tmphalf", (1, 1))
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    for name, digest in digests.items():
        cache.read(name, digest)
    assert kept_in(folder) == set(digests.values())


def test_nobody_else_on_the_machine_reads_the_files(objects, folder):
    digests = planted(objects, "a")
    TmpCache(objects, folder, ROOM_FOR_THREE).read("a", digests["a"])
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / digests["a"]).stat().st_mode & 0o077 == 0


def test_threads_that_want_the_same_at_once_fetch_it_once(objects, folder):
    digests = planted(objects, "a")
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    objects.gate.clear()
    with ThreadPoolExecutor(8) as threads:
        readings = [threads.submit(cache.read, "a", digests["a"]) for _ in range(8)]
        until(lambda: objects.downloads)
        objects.gate.set()
        assert {reading.result() for reading in readings} == {b"a" * 10}
    assert objects.downloads == ["a"]
    assert (cache.figures["hits"], cache.figures["misses"]) == (7, 1)


def test_threads_that_wait_for_a_fetch_that_fails_fail_too_and_may_try_again(objects, folder):
    digest = planted(objects, "a")["a"]
    objects.plant("a", b"damaged")
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    objects.gate.clear()
    with ThreadPoolExecutor(4) as threads:
        readings = [threads.submit(cache.read, "a", digest) for _ in range(4)]
        until(lambda: objects.downloads)
        objects.gate.set()
        assert {type(reading.exception()) for reading in readings} == {Unavailable}
    planted(objects, "a")
    assert cache.read("a", digest) == b"a" * 10


def test_a_slow_object_hinders_no_other(objects, folder):
    digests = planted(objects, *"ab")
    cache = TmpCache(objects, folder, ROOM_FOR_THREE)
    cache.read("b", digests["b"])
    objects.gate.clear()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(cache.read, "a", digests["a"])
        until(lambda: "a" in objects.downloads)
        assert cache.read("b", digests["b"]) == b"b" * 10
        objects.gate.set()
        assert slow.result() == b"a" * 10


def test_eight_threads_read_right_and_never_exceed_the_bound(objects, folder):
    contents = {f"o{n}": random.Random(n).randbytes(n * 700) for n in range(30)}
    for path, data in contents.items():
        objects.plant(path, data)
    bound = 12 * PAGE_BYTES
    cache = TmpCache(objects, folder, bound)
    ended, highest = threading.Event(), []

    def read_many(seed):
        for path in random.Random(seed).choices(sorted(contents), k=150):
            assert cache.read(path, sha256(contents[path])) == contents[path]

    def look():
        while not ended.wait(0.001):
            try:
                highest.append(taken_by(folder))
            except FileNotFoundError:
                continue

    watching = threading.Thread(target=look)
    watching.start()
    with ThreadPoolExecutor(8) as threads:
        for reading in [threads.submit(read_many, seed) for seed in range(8)]:
            reading.result()
    ended.set()
    watching.join()
    assert cache.figures["hits"] + cache.figures["misses"] == 8 * 150
    assert cache.figures["misses"] == len(objects.downloads)
    assert cache.figures["evictions"] > 0
    assert max(highest) <= bound
    assert taken_by(folder) <= bound
    assert all(sha256((folder / name).read_bytes()) == name for name in kept_in(folder))


def test_processes_share_the_folder_though_files_vanish_under_them(folder):
    bound, processes = 8 * PAGE_BYTES, 2
    with ProcessPoolExecutor(processes, mp_context=SPAWN) as pool:
        readings = [
            pool.submit(read_at_random, folder, bound, seed, removes=seed == 0)
            for seed in range(processes)
        ]
        results = [reading.result(timeout=60) for reading in readings]
    assert [wrong for wrong, _ in results] == [0, 0]
    assert all(hits > 0 for _, hits in results)
    # Each process looks before it writes: two that write at once may be one file over.
    assert taken_by(folder) <= bound + 4 * PAGE_BYTES


def test_one_process_finds_what_another_has_fetched(objects, folder):
    digests = planted(objects, "a")
    TmpCache(objects, folder, ROOM_FOR_THREE).read("a", digests["a"])
    other = TmpCache(MemoryObjects(), folder, ROOM_FOR_THREE)
    assert other.read("a", digests["a"]) == b"a" * 10


def test_where_a_write_breaks_off_the_read_is_right_and_nothing_half_stays(folder):
    """A limit on the length of files breaks writes off as a full /tmp does."""
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        reading = pool.submit(read_where_writes_break_off, folder)
        assert reading.result(timeout=60) == ([True, True], 2, [])


def until(is_so):
    give_up_at = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.001)
