"""What every `Library` and `Catalogue` must do, whatever they are made of.

`test_memory_library.py` and `tests/emulator/test_firestore_library.py` run these tests, each
on its own implementation.
"""

import itertools
import secrets
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from voxshelf.core.account import Account, Limits, Policy
from voxshelf.core.audio import Audio
from voxshelf.core.deletion import Manner
from voxshelf.core.errors import InProgress, NotFound, QuotaExceeded, VoiceExists
from voxshelf.core.items import Consent, Generation, Voice
from voxshelf.core.naming import WantedVoice
from voxshelf.core.profile import Profile
from voxshelf.core.quality import Quality
from voxshelf.core.query import ListQuery
from voxshelf.core.reservation import Attempt, Replay, decide_generation, decide_voice
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.ports import Garbage, Receipt

LIMITS = Limits(voices=50, generations=500, size_bytes=10**9, saves_per_day=1000)
AUDIO = Audio(
    path="voice_samples/u/v.wav",
    token="token",
    content_type="audio/wav",
    format="wav",
    size_bytes=1000,
    sha256="ab" * 32,
    duration_s=1.25,
    sample_rate_hz=24_000,
    channels=1,
    peaks=bytes(range(200)),
)
PROFILE = Profile("voice_profiles/u/v.npy", "t", 500, "cd" * 32, "<f4", (4, 25), False, True)
QUALITY = Quality("good", ("Too short.",), -1.5, -20.25, 0.0, 0.125, None)
LEASE = timedelta(minutes=6)
NO_LEASE = timedelta(0)
UNDO_FOR = timedelta(hours=24)
NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, UTC)


def voice(voice_id: str = "voice_a", **changes) -> Voice:
    made = Voice(
        voice_id=voice_id,
        name=voice_id.upper(),
        version=1,
        language="en",
        description="A voice.",
        tags=("warm", "tall tales"),
        favorite=False,
        template_message="Hello.",
        sample=replace(AUDIO, path=f"voice_samples/u/{voice_id}.wav"),
        profile=PROFILE,
        quality=QUALITY,
        consent=Consent("I agree.", "The speaker", NOON, "ef" * 32, None, None),
        parameters={"seed": 7, "speed": 1.5, "fast": True, "none": None},
        runpod_job_id=None,
        source="upload",
        generation_count=0,
        created_at=NOON,
        updated_at=NOON,
        saved_at=NOON,
    )
    return replace(made, **changes)


def generation(generation_id: str, **changes) -> Generation:
    made = Generation(
        generation_id=generation_id,
        version=1,
        voice_id="voice_a",
        voice_name="VOICE_A",
        text="Some text — ünïcode 音声.",
        language=None,
        audio=replace(AUDIO, path=f"tts_generations/u/{generation_id}.wav"),
        generation_time_s=1.5,
        parameters={},
        tags=(),
        favorite=False,
        runpod_job_id="job-1",
        timestamp="20260102_120000",
        created_at=NOON,
        updated_at=NOON,
        saved_at=NOON,
    )
    return replace(made, **changes)


class LibraryCalls:
    """The calls that the contract's tests make, on the fixture `shelf`."""

    @pytest.fixture
    def uid(self):
        return f"user-{secrets.token_hex(6)}"

    def _reserve_voice(self, shelf, uid, item, *, key=None, fingerprint="f", **options):
        policy = Policy(options.get("limits", LIMITS), lease=options.get("lease", LEASE))
        slots = options.get("slots", [])
        attempt = Attempt(
            lambda slot: slots.append(slot) or replace(item, voice_id=slot.voice_id),
            fingerprint,
            secrets.token_hex(4),
            key,
            policy,
            is_same=lambda _: fingerprint == "f",
        )

        wanted = WantedVoice(
            item.name,
            item.voice_id,
            is_own_id=options.get("is_own_id", True),
            replace=options.get("replace", False),
        )

        def decide(seen):
            return decide_voice(seen, attempt, wanted)

        return shelf.reserve(uid, item.voice_id, key, decide, name=item.name)

    def _reserve_generation(self, shelf, uid, item, *, key=None, fingerprint=None, lease=None):
        policy = Policy(LIMITS, lease=LEASE if lease is None else lease)
        content = fingerprint or item.item_id
        attempt = Attempt(lambda _: item, content, secrets.token_hex(4), key, policy)
        return shelf.reserve(uid, item.voice_id, key, lambda seen: decide_generation(seen, attempt))

    def _save(self, shelf, uid, item, **options):
        reserve = self._reserve_voice if isinstance(item, Voice) else self._reserve_generation
        receipt = reserve(shelf, uid, item, **options)
        assert isinstance(receipt, Receipt)
        shelf.confirm(receipt)
        return receipt

    def _delete(self, shelf, uid, kind, item_id, undo_for=UNDO_FOR, **options):
        key = ItemKey(kind, item_id)
        return shelf.delete(uid, [key], Manner(undo_for, **options)).get(key)

    def _purge(self, shelf, uid, kind, item_id):
        shelf.forget(self._delete(shelf, uid, kind, item_id, permanent=True))

    def _account(self, shelf, uid):
        seen = []

        def look(shelf_seen):
            seen.append(shelf_seen.account)
            raise NotFound("only looking")

        with pytest.raises(NotFound):
            shelf.reserve(uid, "voice_none", None, look)
        return seen[-1]


class LibraryContract(LibraryCalls):
    """Saving and listing."""

    def test_a_confirmed_voice_reads_back_equal(self, shelf, uid):
        self._save(shelf, uid, voice())
        assert shelf.voice(uid, "voice_a") == voice()

    def test_a_confirmed_generation_reads_back_equal_and_counts_at_its_voice(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        assert shelf.generation(uid, "g1") == generation("g1")
        assert shelf.voice(uid, "voice_a").generation_count == 1

    def test_a_reserved_voice_is_not_there_yet(self, shelf, uid):
        self._reserve_voice(shelf, uid, voice())
        with pytest.raises(NotFound):
            shelf.voice(uid, "voice_a")
        assert shelf.voices(uid, ListQuery()).items == ()

    def test_a_reserved_voice_holds_its_id_against_others(self, shelf, uid):
        self._reserve_voice(shelf, uid, voice())
        with pytest.raises(InProgress) as refused:
            self._reserve_voice(shelf, uid, voice(), fingerprint="other")
        assert refused.value.retry_after_s

    def test_an_abandoned_voice_leaves_nothing_behind(self, shelf, uid):
        shelf.abandon(self._reserve_voice(shelf, uid, voice(), key="k"))
        with pytest.raises(NotFound):
            shelf.voice(uid, "voice_a")
        seen = self._account(shelf, uid)
        assert seen.reserved == Account().reserved
        assert seen.kept == Account().kept
        self._save(shelf, uid, voice(), key="k", fingerprint="other")

    def test_a_voice_that_exists_is_refused_with_what_is_there(self, shelf, uid):
        self._save(shelf, uid, voice())
        with pytest.raises(VoiceExists) as refused:
            self._reserve_voice(shelf, uid, voice(), fingerprint="other")
        assert refused.value.voice == voice()

    def test_the_same_content_again_is_the_same_voice(self, shelf, uid):
        self._save(shelf, uid, voice())
        assert self._reserve_voice(shelf, uid, voice(language="de")) == Replay(
            voice(), is_there=True
        )

    def test_a_replaced_voice_stays_readable_until_the_new_one_is_confirmed(self, shelf, uid):
        self._save(shelf, uid, voice())
        newer = voice(version=2, name="Newer", profile=None)
        receipt = self._reserve_voice(shelf, uid, newer, fingerprint="f2", replace=True)
        assert shelf.voice(uid, "voice_a") == voice()
        assert receipt.reservation.replaces == voice()
        shelf.confirm(receipt)
        shelf.forget(Garbage(uid, "voices", "voice_a", receipt.reservation.leftovers))
        assert shelf.voice(uid, "voice_a") == newer
        assert self._account(shelf, uid).kept.size_bytes == newer.size_bytes
        assert self._account(shelf, uid).kept.voices == 1

    def test_generations_show_the_present_name_of_their_voice(self, shelf, uid):
        self._save(shelf, uid, voice(name="First"))
        self._save(shelf, uid, generation("g1", voice_name="First"))
        newer = voice(name="Second", version=2)
        receipt = self._reserve_voice(shelf, uid, newer, fingerprint="f2", replace=True)
        assert shelf.generation(uid, "g1").voice_name == "First"
        shelf.confirm(receipt)
        assert shelf.generation(uid, "g1").voice_name == "Second"
        self._purge(shelf, uid, "voices", "voice_a")
        assert [g.voice_name for g in shelf.generations(uid, ListQuery()).items] == ["Second"]
        self._save(shelf, uid, voice(name="Third"), fingerprint="f3")
        assert shelf.generation(uid, "g1").voice_name == "Third"

    def test_an_abandoned_replacement_leaves_the_old_version(self, shelf, uid):
        self._save(shelf, uid, voice())
        newer = voice(version=2)
        shelf.abandon(self._reserve_voice(shelf, uid, newer, fingerprint="f2", replace=True))
        assert shelf.voice(uid, "voice_a") == voice()
        assert self._account(shelf, uid).reserved == Account().reserved

    def test_a_key_gives_its_first_answer_again(self, shelf, uid):
        self._save(shelf, uid, voice(), key="k")
        assert self._reserve_voice(shelf, uid, voice(), key="k") == Replay(voice(), is_there=True)

    def test_a_key_whose_save_still_runs_is_in_progress(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._reserve_generation(shelf, uid, generation("g1"), key="k")
        with pytest.raises(InProgress):
            self._reserve_generation(shelf, uid, generation("g1"), key="k")

    def test_a_generation_needs_its_voice(self, shelf, uid):
        with pytest.raises(NotFound):
            self._reserve_generation(shelf, uid, generation("g1"))

    def test_the_counters_follow(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        reserved = generation("g2")
        self._reserve_generation(shelf, uid, reserved)
        account = self._account(shelf, uid)
        assert (account.kept.voices, account.kept.generations) == (1, 1)
        assert account.kept.size_bytes == voice().size_bytes + reserved.size_bytes
        assert account.reserved.generations == 1
        assert account.reserved.size_bytes == reserved.size_bytes
        assert account.saves_today == 3

    def test_stamps_never_repeat(self, shelf, uid):
        self._save(shelf, uid, voice())
        stamps = []

        def draft(slot):
            stamps.append(slot.stamp)
            return generation(f"g-{slot.stamp}")

        for _ in range(5):
            attempt = Attempt(draft, "f", secrets.token_hex(4), None, Policy(LIMITS))
            shelf.reserve(uid, "voice_a", None, lambda seen, a=attempt: decide_generation(seen, a))
        assert len({str(stamp) for stamp in stamps}) == 5

    def test_confirming_twice_is_confirming_once(self, shelf, uid):
        receipt = self._save(shelf, uid, voice())
        shelf.confirm(receipt)
        assert self._account(shelf, uid).kept.voices == 1

    def test_an_abandoned_reservation_cannot_be_confirmed(self, shelf, uid):
        receipt = self._reserve_voice(shelf, uid, voice())
        shelf.abandon(receipt)
        with pytest.raises(InProgress):
            shelf.confirm(receipt)

    def test_parallel_reservations_of_one_user_never_exceed_the_limit(self, shelf, uid):
        limits = replace(LIMITS, voices=3)
        outcomes = []

        def save(number):
            try:
                self._save(shelf, uid, voice(f"voice_{number}"), limits=limits)
                outcomes.append("saved")
            except QuotaExceeded:
                outcomes.append("refused")

        threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["refused"] * 5 + ["saved"] * 3
        assert len(shelf.voices(uid, ListQuery()).items) == 3

    def test_parallel_saves_with_one_key_make_one_record(self, shelf, uid):
        self._save(shelf, uid, voice())
        receipts, refused = [], []

        def save(number):
            item = generation(f"g{number}")
            attempt = Attempt(lambda _: item, "same", f"lease{number}", "k", Policy(LIMITS))
            try:
                receipts.append(
                    shelf.reserve(uid, "voice_a", "k", lambda s: decide_generation(s, attempt))
                )
            except InProgress:
                refused.append(number)

        threads = [threading.Thread(target=save, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(receipts), len(refused)) == (1, 5)

    def test_nothing_is_shared_between_users(self, shelf, uid):
        self._save(shelf, uid, voice(), key="k")
        with pytest.raises(NotFound):
            shelf.voice("stranger" + uid, "voice_a")
        assert shelf.voices("stranger" + uid, ListQuery()).items == ()
        self._save(shelf, "stranger" + uid, voice(name="Mine"), key="k", fingerprint="mine")
        assert shelf.voice(uid, "voice_a") == voice()

    @pytest.mark.parametrize("sort", ["created_at", "updated_at", "name"])
    @pytest.mark.parametrize("descending", [True, False])
    def test_pages_follow_one_another_without_gap_or_repeat(self, shelf, uid, sort, descending):
        times = [NOON.replace(second=second) for second in (5, 3, 3, 9, 1)]
        for number, time in enumerate(times):
            # Names that are alike but for letter case have one place in the order.
            name = ("N0", "n0", "N1", "n1", "N2")[number]
            made = voice(f"voice_{number}", name=name, created_at=time, updated_at=time)
            self._save(shelf, uid, made, fingerprint=str(number))
        seen, after = [], None
        for _ in itertools.count():
            page = shelf.voices(uid, ListQuery(sort, descending, page_size=2, after=after))
            assert page.total == 5
            seen += page.items
            after = page.next
            if after is None:
                break
        keys = [
            (i.name.casefold() if sort == "name" else getattr(i, sort), i.voice_id) for i in seen
        ]
        assert keys == sorted(keys, reverse=descending)
        assert len({item.voice_id for item in seen}) == 5

    def test_filters_narrow_a_list_and_its_total(self, shelf, uid):
        self._save(shelf, uid, voice("voice_a", language="de", tags=("x",), favorite=True))
        self._save(shelf, uid, voice("voice_b", language="de", tags=("y",)), fingerprint="b")
        for filters, expected in [
            ({"language": "de"}, 2),
            ({"language": "en"}, 0),
            ({"tag": "x"}, 1),
            ({"favorite": True}, 1),
            ({"language": "de", "tag": "y", "favorite": False}, 1),
        ]:
            query = ListQuery(filters=filters, include_total=True)
            page = shelf.voices(uid, query)
            assert (len(page.items), page.total) == (expected, expected), filters

    def test_a_filtered_list_counts_only_when_asked(self, shelf, uid):
        assert shelf.voices(uid, ListQuery(filters={"language": "de"})).total is None

    def test_generations_of_one_voice(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, voice("voice_b"), fingerprint="b")
        self._save(shelf, uid, generation("g1"))
        self._save(shelf, uid, generation("g2", voice_id="voice_b"))
        page = shelf.generations(uid, ListQuery(filters={"voice_id": "voice_b"}))
        assert [item.generation_id for item in page.items] == ["g2"]
        assert shelf.generations(uid, ListQuery()).total == 2
