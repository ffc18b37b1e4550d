"""Parts of moving house that only show by themselves: time, memory, races, crashes."""

import io
import re
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.services import MemoryServices
from tests.sounds import content
from tests.unit.test_damaged_archives import LINES, WHOLE, roles
from voxshelf.core.archive import MAX_PART_LINES_BYTES
from voxshelf.core.errors import InProgress, InvalidRequest, RateLimited, Unavailable
from voxshelf.core.importing import IdTaken, decide_imported
from voxshelf.core.query import ListQuery
from voxshelf.core.reservation import Attempt, Replay, Reservation
from voxshelf.core.shelf import Entry, Pending
from voxshelf.http.archive_lines import Describer, read_item
from voxshelf.http.received import Spool
from voxshelf.use_cases.archive_reader import open_archive
from voxshelf.use_cases.export_library import archive_of, plan_part
from voxshelf.use_cases.import_library import ImportInto
from voxshelf.use_cases.library_walk import START, Selection, Walk
from voxshelf.use_cases.ranged_file import RangedFile
from voxshelf.use_cases.zip_stream import ZipStream


def importing(services):
    return ImportInto("bob", services.library, sink=lambda _: Spool(), **roles(services))


def bring(services, *, start=0, is_time_up=lambda: False):
    archive = open_archive(content(WHOLE), "bob", services.objects)
    read = lambda line: read_item("bob", line)  # noqa: E731
    return importing(services).lines(archive, start, read, is_time_up)


class TestTime:
    def test_an_import_stops_after_any_item_and_goes_on_there(self):
        services, start, rounds = MemoryServices(), 0, 0
        while start is not None:
            imported = bring(services, start=start, is_time_up=lambda: True)
            assert [outcome.status for outcome in imported.outcomes] == ["imported"]
            start, rounds = imported.next_start, rounds + 1
        assert rounds == 3

    def test_the_end_is_the_end_however_late(self):
        imported = bring(MemoryServices(), start=2, is_time_up=lambda: True)
        assert imported.next_start is None

    @pytest.mark.parametrize(
        "error",
        [RateLimited("Too much.", retry_after_s=60), Unavailable(retry_after_s=20)],
        ids=["rate", "no place"],
    )
    def test_an_import_whose_audio_cannot_be_decoded_now_stops_there_and_goes_on_later(self, error):
        services = MemoryServices()
        measured, measure = [], services.inspect_audio

        def busy(*arguments):
            measured.append(arguments)
            if len(measured) == 3:
                raise error
            return measure(*arguments)

        services.inspect_audio = busy
        imported = bring(services)
        assert [outcome.status for outcome in imported.outcomes] == ["imported", "failed"]
        assert (imported.outcomes[-1].error, imported.next_start) == (error, 1)
        rest = bring(services, start=1)
        assert [outcome.status for outcome in rest.outcomes] == ["imported", "imported"]


class TestRangedFile:
    DATA = bytes(range(256)) * 40_000

    def file(self, asked=None, max_read_bytes=10**8):
        def read(start, length):
            if asked is not None:
                asked.append((start, length))
            return self.DATA[start : start + length]

        return RangedFile(read, len(self.DATA), max_read_bytes)

    def test_it_reads_and_seeks_as_any_file_does(self):
        ours, theirs = self.file(), io.BytesIO(self.DATA)
        for offset, whence, size in [
            (0, 0, 10),
            (2**21 - 3, 0, 7),
            (5, 1, 2**21),
            (-22, 2, 30),
            (0, 2, 1),
            (10**9, 0, 1),
            (-100, 2, -1),
            (0, 0, None),
        ]:
            assert ours.seek(offset, whence) == theirs.seek(offset, whence)
            assert ours.read(size) == theirs.read(size)
            assert ours.tell() == theirs.tell()

    def test_what_was_read_lately_is_not_fetched_again(self):
        asked = []
        file = self.file(asked)
        for place in (0, 9_000_000, 5_000_000, 100, 9_000_100, 5_000_100):
            file.seek(place)
            file.read(100)
        assert len(asked) == 3

    def test_nobody_reads_more_at_once_than_is_allowed(self):
        file = self.file(max_read_bytes=1000)
        assert len(file.read(1000)) == 1000
        with pytest.raises(InvalidRequest):
            file.read(1001)
        file.seek(-1000, io.SEEK_END)
        assert len(file.read(10**9)) == 1000


class TestZipStream:
    def test_half_a_gigabyte_passes_in_flat_memory(self):
        archive = ZipStream(datetime.now(UTC))
        block = bytes(2**20)

        def sent():
            for number in range(32):
                yield from archive.file(f"{number}", (block for _ in range(16)))
            yield from archive.end()

        tracemalloc.start()
        try:
            size_bytes = sum(map(len, sent()))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert size_bytes > 512 * 2**20
        assert peak < 4 * 2**20

    def test_an_archive_over_four_gigabytes_can_be_opened(self):
        archive, block = ZipStream(datetime.now(UTC)), bytes(2**22)
        sparse = _Sparse(block)
        for number in range(5):
            for piece in archive.file(f"{number}", (block for _ in range(225))):
                sparse.append(piece)
        for piece in archive.file("last", [b"the end"]):
            sparse.append(piece)
        for piece in archive.end():
            sparse.append(piece)
        assert sparse.size > 2**32
        with zipfile.ZipFile(RangedFile(sparse.read, sparse.size, 10**8)) as opened:
            assert opened.read("last") == b"the end"
            assert opened.getinfo("4").file_size == 225 * 2**22


class _Sparse:
    """Keeps the pieces of a large archive, but not the one block of zeros that comes so often."""

    def __init__(self, zeros):
        self.zeros, self.size, self.pieces = zeros, 0, {}

    def append(self, piece):
        if piece is not self.zeros:
            self.pieces[self.size] = piece
        self.size += len(piece)

    def read(self, start, length):
        data = bytearray(length)
        for place, piece in self.pieces.items():
            begin, end = max(place, start), min(place + len(piece), start + length)
            if begin < end:
                data[begin - start : end - start] = piece[begin - place : end - place]
        return bytes(data)


class TestPlans:
    def walk(self):
        services = MemoryServices()
        bring(services)
        return services, Walk("bob", Selection(), services.library)

    def test_a_plan_never_promises_less_than_the_archive_has(self):
        services, walk = self.walk()
        describe = Describer("bob", services.library)
        for max_bytes in range(1000, 200_000, 500):
            start, number, items = START, 1, 0
            while start is not None:
                part = plan_part(walk, number, start, max_bytes, describe)
                made = archive_of(part, walk, services.objects, describe, datetime.now(UTC))
                size_bytes = sum(map(len, made))
                assert size_bytes <= max_bytes or part.items == 1
                start, number, items = part.following, number + 1, items + part.items
            assert items == 3

    def test_lines_that_are_too_many_for_memory_begin_a_new_part(self):
        services, walk = self.walk()
        describe = Describer("bob", services.library)

        def long(item):
            return {**describe(item), "text": "x" * (MAX_PART_LINES_BYTES // 2)}

        part = plan_part(walk, 1, START, 10**12, long)
        assert part.items == 1
        assert part.following is not None


def test_the_document_of_the_format_names_every_field_of_a_line():
    document = (Path(__file__).parents[2] / "docs" / "export-format.md").read_text()
    prose = re.sub(r"```.*?```", "", document, flags=re.DOTALL)
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", prose))))
    fields = {field for line in LINES for field in line}
    assert fields - named == set()


class TestIdsOfImports:
    """`decide_imported`, at every state that the place of an id can be in."""

    @pytest.fixture
    def shelf(self):
        services = MemoryServices()
        bring(services)
        (generation, _) = services.library.generations("bob", ListQuery()).items
        key = "bob", "generations", generation.generation_id
        return services.library._shelf("bob", "voice_ada", None, key[2])

    def attempt(self, shelf, text="ours"):
        policy, generation = MemoryServices().policy, shelf.generation.ready

        def is_same(item):
            return item.text == text

        return Attempt(lambda _: generation, "f", "lease", None, policy, is_same=is_same)

    def pending(self, shelf, text, age):
        item = replace(shelf.generation.ready, text=text)
        pending = Pending(item, "f", "other", shelf.now - age, None)
        return replace(shelf, generation=Entry(None, pending))

    def test_the_same_one_is_there_already(self, shelf):
        present = shelf.generation.ready
        attempt = self.attempt(shelf, present.text)
        assert decide_imported(shelf, attempt) == Replay(present, is_there=True)

    def test_another_one_keeps_its_id(self, shelf):
        with pytest.raises(IdTaken):
            decide_imported(shelf, self.attempt(shelf))

    def test_one_that_is_neither_there_nor_coming_keeps_its_id_too(self, shelf):
        attempt = self.attempt(shelf)
        deleted = replace(shelf, generation=Entry(None, None))
        with pytest.raises(IdTaken):
            decide_imported(deleted, attempt)

    def test_another_one_that_is_being_saved_keeps_its_id(self, shelf):
        attempt = self.attempt(shelf)
        with pytest.raises(IdTaken):
            decide_imported(self.pending(shelf, "theirs", timedelta(0)), attempt)

    def test_the_same_import_at_the_same_time_is_waited_for(self, shelf):
        attempt = self.attempt(shelf)
        with pytest.raises(InProgress):
            decide_imported(self.pending(shelf, "ours", timedelta(0)), attempt)

    def test_the_place_of_a_crashed_import_is_taken_over_with_what_it_left(self, shelf):
        attempt = self.attempt(shelf)
        decision = decide_imported(self.pending(shelf, "ours", timedelta(hours=1)), attempt)
        assert isinstance(decision, Reservation)
        assert decision.garbage == shelf.generation.ready.object_paths
