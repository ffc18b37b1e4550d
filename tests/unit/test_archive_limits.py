"""What an archive may cost: each limit, and the bytes that are taken before they are there."""

import gc
import io
import json
import struct
import tracemalloc
import zipfile

import pytest

from tests.fakes.services import MemoryServices
from tests.sounds import content, wav
from tests.unit.test_damaged_archives import (
    ENTRIES,
    LINES,
    as_line,
    bring,
    importing,
    no_limit,
    packed,
)
from voxshelf.core.archive import (
    DIRECTORY_TIMES,
    MAX_DIRECTORY_BYTES,
    MAX_ENTRIES,
    MAX_LINES,
    MAX_RESULTS,
    MAX_UNPACKED_BYTES,
)
from voxshelf.core.errors import InvalidRequest, Unavailable, UnsupportedMediaType
from voxshelf.http.archive_lines import read_item
from voxshelf.http.received import Spool
from voxshelf.use_cases.archive_reader import open_archive
from voxshelf.use_cases.import_library import ImportInto
from voxshelf.use_cases.zip_directory import DirectorySize, directory_size
from voxshelf.use_cases.zip_entries import BLOCK_BYTES, opened_zip

MIB = 1024**2


def zip_of(directory, entries=None, directory_bytes=None, comment=b""):
    """Return an archive of a directory alone, whose end says so much of it."""
    count = len(directory) // 47 if entries is None else entries
    size = len(directory) if directory_bytes is None else directory_bytes
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, 0, len(comment))
    return directory + end + comment


def entry(name=b"x", size_bytes=0, packed_bytes=0, place=0):
    head = struct.pack(
        "<4s4B4HL2L5H2L",
        b"PK\1\2",
        20,
        3,
        20,
        0,
        0,
        0,
        0,
        0x21,
        0,
        packed_bytes,
        size_bytes,
        len(name),
        0,
        0,
        0,
        0,
        0,
        place,
    )
    return head + name


def size_of(data):
    return directory_size(lambda start, length: data[start : start + length], len(data))


def refusal(data, take=no_limit):
    with pytest.raises(InvalidRequest) as refused:
        open_archive(content(data), "bob", MemoryServices().objects, take)
    return refused.value.message


class TestDirectory:
    @pytest.mark.parametrize("comment", [b"", b"x", b"PK\5\6", bytes(65_535)])
    def test_its_size_is_read_from_the_end_behind_which_a_comment_may_stand(self, comment):
        found = size_of(zip_of(entry() * 3, comment=comment))
        assert found == (DirectorySize(3, 141) if comment != b"PK\5\6" else None)

    def test_the_wide_form_counts_where_there_is_one(self):
        wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 7, 7, 329, 0)
        locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
        assert size_of(wide + locator + zip_of(b"", 0xFFFF, 0xFFFFFFFF)) == DirectorySize(7, 329)

    @pytest.mark.parametrize("data", [b"", b"PK\5\6", bytes(100), zip_of(b"")[:-1], b"PK" * 40_000])
    def test_what_has_no_end_is_none(self, data):
        assert size_of(data) is None

    def test_too_many_entries_are_refused_by_their_number_alone(self):
        data = zip_of(entry(), entries=MAX_ENTRIES + 1)
        assert "entries" in refusal(data, pytest.fail)

    def test_entries_that_are_more_than_was_said_are_counted(self):
        data = zip_of(entry() * (MAX_ENTRIES + 1), entries=1)
        assert "entries" in refusal(data)

    def test_a_large_one_is_refused_by_its_length_alone(self):
        data = zip_of(entry(), directory_bytes=MAX_DIRECTORY_BYTES + 1)
        assert "directory" in refusal(data, pytest.fail)

    def test_there_must_be_room_before_it_is_read(self):
        taken = []

        def take(size_bytes):
            taken.append(size_bytes)
            raise Unavailable("no room")

        data = zip_of(entry() * 1000)
        with pytest.raises(Unavailable):
            open_archive(content(data), "bob", MemoryServices().objects, take)
        assert taken[0] >= DIRECTORY_TIMES * 47_000

    @pytest.mark.parametrize("name", [b"x", b"\x80" * 20, b"n" * 300])
    def test_what_it_becomes_takes_no_more_than_was_taken_for_it(self, name):
        count = min(40_000, MAX_DIRECTORY_BYTES // (46 + len(name)))
        names = (b"%06d" % number + name for number in range(count))
        data = zip_of(b"".join(entry(one) for one in names)[:MAX_DIRECTORY_BYTES], entries=count)
        taken, file = [], io.BytesIO(data)

        def read(start, length):
            file.seek(start)
            return file.read(length)

        gc.collect()
        tracemalloc.start()
        try:
            opened = opened_zip(read, len(data), taken.append)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(opened.infolist()) > 10_000
        # The blocks of a file that is read in ranges have a room of their own.
        assert peak <= sum(taken) + len(data) + 4 * MIB

    def test_one_that_is_put_in_the_place_of_a_smaller_one_is_not_read(self):
        small, large = zip_of(entry()), zip_of(entry() * 20_000)
        small = bytes(len(large) - len(small)) + small
        answers, taken = [small], []

        def read(start, length):
            data = answers.pop() if answers else large
            return data[start : start + length]

        with pytest.raises((InvalidRequest, UnsupportedMediaType)):
            opened_zip(read, len(large), taken.append)
        assert sum(taken) < BLOCK_BYTES < len(large)

    def test_entries_that_share_their_bytes_are_refused(self):
        first = entry(b"a", 5, 5, 0)
        data = bytes(35) + zip_of(first + entry(b"b", 5, 5, 0))
        assert "overlap" in refusal(data)

    def test_entries_that_reach_into_the_directory_are_refused(self):
        assert "overlap" in refusal(bytes(35) + zip_of(entry(b"a", 6, 6, 0), entries=1))

    def test_what_unpacks_to_more_than_any_export_is_refused(self):
        each = 2**32 - 2
        many = b"".join(
            entry(b"%03d" % number, each, 0, 30 * number)
            for number in range(MAX_UNPACKED_BYTES // each + 1)
        )
        assert "unpacks" in refusal(bytes(30 * 10) + zip_of(many))


def archive_of_lines(data):
    """Return an archive of lines as they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("voxshelf-export.json", ENTRIES["voxshelf-export.json"])
        archive.writestr("items.jsonl", data)
    return file.getvalue()


def imported(data, start=0, services=None, **roles):
    services = services or MemoryServices()
    archive = open_archive(content(data), "bob", services.objects, no_limit)
    into = importing(services, **roles)
    return into.lines(archive, start, lambda line: read_item("bob", line), lambda: False)


class TestLines:
    @pytest.mark.parametrize("line", [b"\n", b"\r\n", b"{}\n", b"x\n"])
    def test_a_million_of_them_are_refused_in_little_memory(self, line):
        data = archive_of_lines(line * 10**6)
        assert len(data) < 10_000
        tracemalloc.start()
        try:
            assert bring(data) == "invalid_request"
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8 * MIB

    def test_empty_ones_count_and_have_no_result(self):
        lines = b"\n".join(map(as_line, LINES)) + b"\n" * (MAX_LINES - 2)
        assert bring(packed(lines=[lines])) == ["imported"] * 3
        assert bring(packed(lines=[lines + b"\n"])) == "invalid_request"

    def test_an_answer_tells_of_so_many_and_the_next_one_of_the_rest(self):
        data = archive_of_lines(b"{}\n" * (2 * MAX_RESULTS + 1))
        start, told = 0, []
        while start is not None:
            found = imported(data, start)
            told.append(len(found.outcomes))
            start = found.next_start
        assert told == [MAX_RESULTS, MAX_RESULTS, 1]

    def test_an_outcome_holds_nothing_of_what_its_line_became(self):
        line = json.dumps({"kind": "voice", "id": "a", "pad": ["x" * 1000] * 500}).encode()
        data = archive_of_lines((line + b"\n") * 100)
        tracemalloc.start()
        try:
            found = imported(data)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(found.outcomes) == 100
        assert {outcome.code for outcome in found.outcomes} == {"invalid_request"}
        assert kept < 4 * MIB

    def test_a_message_has_an_end(self):
        (outcome,) = imported(archive_of_lines(b"{}\n")).outcomes
        assert 0 < len(outcome.message) <= 300

    def test_what_stopped_an_import_does_not_hold_its_line_either(self):
        services = MemoryServices()
        services.objects.failing_paths = {"voice_samples"}
        found = imported(packed(), services=services)
        assert found.stopped_by.__traceback__ is None

    @pytest.mark.parametrize(
        "crowded",
        [
            {f"{number:x}": 1 for number in range(49_000)},
            [f"ab{number}" for number in range(49_000)],
            [{"a": number} for number in range(9_900)],
            "x" * 300_000 + "\N{GRINNING FACE}",
            [1.5] * 150_000,
        ],
        ids=["names", "strings", "objects", "a wide text", "numbers"],
    )
    def test_room_for_its_longest_line_is_taken_before_it_is_read(self, crowded):
        line = {"kind": "voice", "id": "a", "parameters": crowded}
        data, taken = archive_of_lines(json.dumps(line, ensure_ascii=False).encode()), []
        tracemalloc.start()
        try:
            imported(data, take=taken.append)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert MIB < peak <= sum(taken)

    def test_room_for_its_voices_is_taken_before_they_are_read(self):
        def no_room(_):
            raise Unavailable("no room")

        with pytest.raises(Unavailable):
            imported(packed(), take=no_room)


class Watched(Spool):
    """Counts how many spools there are, and were."""

    open_now = made = most = 0

    def __init__(self):
        super().__init__()
        Watched.made += 1
        Watched.open_now += 1
        Watched.most = max(Watched.most, Watched.open_now)

    def __exit__(self, *error):
        Watched.open_now -= 1
        return super().__exit__(*error)


class TestFiles:
    @pytest.fixture(autouse=True)
    def _fresh(self):
        Watched.open_now = Watched.made = Watched.most = 0

    def bring(self, lines):
        services = MemoryServices()
        into = importing(services)
        into = ImportInto(
            **{name: getattr(into, name) for name in into.__slots__ if name != "sink"},
            sink=lambda _: Watched(),
        )
        archive = open_archive(content(packed(lines=lines)), "bob", services.objects, no_limit)
        found = into.lines(archive, 0, lambda line: read_item("bob", line), lambda: False)
        assert Watched.open_now == 0
        return [outcome.code or outcome.status for outcome in found.outcomes]

    def test_one_file_of_many_lines_is_unpacked_once(self):
        voice, speech, _ = LINES
        many = [{**speech, "id": f"TTS_{number}"} for number in range(50)]
        assert self.bring([voice, *many]) == ["imported"] * 51
        # Those of the voice are three.
        assert (Watched.made, Watched.most) == (4, 3)

    def test_one_file_in_two_roles_is_refused(self):
        voice = json.loads(json.dumps(LINES[0]))
        voice["files"]["consent"] = voice["files"]["sample"]
        voice["consent"]["audio"] |= {
            name: voice["sample"][name] for name in ("size_bytes", "sha256")
        }
        assert self.bring([voice]) == ["invalid_request"]
        assert Watched.made == 0

    def test_a_file_that_is_not_the_one_described_is_let_go_of(self):
        speech = json.loads(json.dumps(LINES[1]))
        speech["audio"]["sha256"] = content(wav(9.0)).sha256
        codes = self.bring([LINES[0], speech, LINES[2]])
        assert codes == ["imported", "invalid_request", "imported"]
