from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.account import Limits
from voxshelf.core.errors import InvalidRequest, PayloadTooLarge, QuotaExceeded
from voxshelf.core.upload_slots import (
    SlotKey,
    SlotUse,
    WantedUpload,
    is_upload_id,
    slot_key,
    upload_id_for,
)

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MIB, GIB = 1024**2, 1024**3
LIMITS = Limits(
    voices=0,
    generations=0,
    size_bytes=0,
    saves_per_day=0,
    open_uploads=3,
    open_upload_bytes=100,
    uploads_per_day=5,
    upload_bytes_per_day=200,
)
AUDIO = ("audio/wav", "audio/x-wav", "audio/vnd.wave", "application/octet-stream")
RECORDED = ("audio/ogg; codecs=opus", 'audio/webm;codecs="opus"', "audio/webm;codecs=opus")
ARCHIVES = ("application/zip", "application/x-zip-compressed")


@pytest.mark.parametrize("content_type", [*AUDIO, *RECORDED])
def test_audio_may_have_200_mib(content_type):
    assert WantedUpload.parse(200 * MIB, content_type).size_bytes == 200 * MIB
    with pytest.raises(PayloadTooLarge) as refused:
        WantedUpload.parse(200 * MIB + 1, content_type)
    assert refused.value.details == {"max_bytes": 200 * MIB}


@pytest.mark.parametrize("content_type", ARCHIVES)
def test_an_archive_may_have_5_gib(content_type):
    assert WantedUpload.parse(5 * GIB, content_type).content_type == content_type
    with pytest.raises(PayloadTooLarge):
        WantedUpload.parse(5 * GIB + 1, content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "audio/",
        "audio",
        "xaudio/wav",
        "audio/wav, text/html",
        "audio/wav\n",
        "audio/wav; codecs=a; b",
        "application/octet-streams",
        "application/zip; charset=binary",
        "application/gzip",
        "text/html",
        "image/svg+xml",
        "video/mp4",
    ],
)
def test_no_other_type_may_be_uploaded(content_type):
    with pytest.raises(InvalidRequest) as refused:
        WantedUpload.parse(1, content_type)
    assert refused.value.details == {"field": "content_type"}


@pytest.mark.parametrize("size_bytes", [0, -1])
def test_nothing_is_not_uploaded(size_bytes):
    with pytest.raises(InvalidRequest) as refused:
        WantedUpload.parse(size_bytes, "audio/wav")
    assert refused.value.details == {"field": "size_bytes"}


def test_limits_of_a_day_say_when_they_end_and_others_do_not():
    full = SlotUse(day="2026-05-04", today=5)
    with pytest.raises(QuotaExceeded) as refused:
        full.taking(1, NOON, LIMITS)
    assert refused.value.retry_after_s == 12 * 3600 + 1
    assert full.taking(1, NOON + timedelta(hours=12), LIMITS).today == 1
    with pytest.raises(QuotaExceeded) as refused:
        SlotUse(open=3).taking(1, NOON, LIMITS)
    assert refused.value.retry_after_s is None


def test_the_defaults_hold_one_largest_archive_beside_audio_and_not_two():
    defaults = Limits(voices=0, generations=0, size_bytes=0, saves_per_day=0)
    use = SlotUse().taking(5 * GIB, NOON, defaults).taking(200 * MIB, NOON, defaults)
    with pytest.raises(QuotaExceeded):
        use.taking(5 * GIB, NOON, defaults)


@given(st.lists(st.one_of(st.integers(1, 100), st.none()), max_size=60))
def test_no_sequence_of_asking_and_giving_back_exceeds_a_limit(steps):
    use, open_sizes = SlotUse(), []
    limits = replace(LIMITS, uploads_per_day=1000, upload_bytes_per_day=10**6)
    for size_bytes in steps:
        if size_bytes is None and open_sizes:
            use = use.returning(open_sizes.pop())
        elif size_bytes is not None:
            try:
                use = use.taking(size_bytes, NOON, limits)
            except QuotaExceeded:
                fits = sum(open_sizes) + size_bytes <= 100
                assert len(open_sizes) == 3 or not fits
            else:
                open_sizes.append(size_bytes)
        assert (use.open, use.open_bytes) == (len(open_sizes), sum(open_sizes))
        assert use.open <= 3
        assert use.open_bytes <= 100


def test_a_key_names_one_slot_of_one_user_and_without_one_each_is_new():
    assert upload_id_for("ada", "k") == upload_id_for("ada", "k")
    ids = {upload_id_for("ada", "k"), upload_id_for("bob", "k"), upload_id_for("ada", "l")}
    ids |= {upload_id_for("ada", None) for _ in range(5)}
    assert len(ids) == 8
    assert all(is_upload_id(each) for each in ids)


def test_a_slots_path_leads_back_to_it():
    key = SlotKey("ada", upload_id_for("ada", None))
    assert slot_key("ada", key.path) == key


@given(st.text(), st.text())
def test_of_other_paths_each_has_a_place_of_its_own_that_firestore_can_name(one, other):
    keys = [slot_key("ada", f"uploads/ada/{name}") for name in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)
    assert all(key.upload_id.isascii() and "/" not in key.upload_id for key in keys)
