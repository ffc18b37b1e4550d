from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.names import ObjectNames, Stamp, slug, voice_id_for
from voxshelf.migrate.names import Named, read_generation, read_profile, read_sample

STAMP = Stamp(datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC))
SECOND_OF_SECOND = Stamp(STAMP.second, 2)

FIRST = datetime(1000, 1, 1)  # noqa: DTZ001  # as Hypothesis takes it
times = st.datetimes(min_value=FIRST, timezones=st.just(UTC))
stamps = st.builds(
    Stamp, times.map(lambda time: time.replace(microsecond=0)), st.integers(1, 999_999_999)
)
tails = st.sampled_from(
    ["", "_sample", "_2", "_20240101", "_20240101_120000", "_20240101_120000_3"]
)
voices = st.builds(str.__add__, st.text(min_size=1, max_size=40), tails)


def stem(path):
    return path.rpartition("/")[2].rpartition(".")[0]


@given(voices, stamps)
def test_a_name_that_was_made_reads_back_to_the_same_voice_and_stamp(voice, stamp):
    names = ObjectNames("ada", voice_id_for(voice), stamp)
    expected = Named(slug(voice), stamp)
    assert read_sample(stem(names.sample("wav"))) == expected
    assert read_generation(stem(names.generation("wav"))) == expected
    assert expected in read_profile(stem(names.profile(first_version=False)))
    assert read_profile(stem(names.profile(first_version=True)))[0] == Named(slug(voice), None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("voice_anna_sample_20250102_030405", Named("anna", STAMP)),
        (
            "voice_a_20240101_sample_20250102_030405_2",
            Named("a_20240101", SECOND_OF_SECOND),
        ),
        ("voice_sample_sample_20250102_030405", Named("sample", STAMP)),
        (
            "voice_a_sample_20240101_000000_sample_20250102_030405",
            Named("a_sample_20240101_000000", STAMP),
        ),
        ("voice_Zoe\u0308_sample_20250102_030405", Named("zoë", STAMP)),
        ("voice_anna_consent_20250102_030405", None),
        ("voice__sample_20250102_030405", None),
        ("voice_anna_sample_20251302_030405", None),
        ("voice_anna_sample_20250102", None),
        ("anna_sample_20250102_030405", None),
        ("voice_anna", None),
    ],
)
def test_a_sample_is_read_from_the_right_end(name, expected):
    assert read_sample(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TTS_voice_my_voice_2_20250102_030405", Named("my_voice_2", STAMP)),
        (
            "TTS_voice_a_20240101_120000_20250102_030405_2",
            Named("a_20240101_120000", SECOND_OF_SECOND),
        ),
        ("TTS_voice_voice_20250102_030405", Named("voice", STAMP)),
        ("TTS_voice_声の棚_20250102_030405", Named("声の棚", STAMP)),
        ("TTS_anna_20250102_030405", None),
        ("TTS_voice_20250102_030405", None),
        ("TTS_voice_anna_20250102_036105", None),
    ],
)
def test_a_generation_is_read_from_the_right_end(name, expected):
    assert read_generation(name) == expected


def test_a_profile_whose_name_ends_in_a_time_has_two_readings():
    later, plain = Named("a", STAMP), Named("a_20250102_030405", None)
    assert read_profile("voice_a_20250102_030405") == (plain, later)
    assert read_profile("voice_a_2") == (Named("a_2", None),)
    assert read_profile("profile_a") == ()


def test_what_has_no_time_is_older_than_all():
    ages = [Named("a", None).age, Named("a", STAMP).age, Named("a", SECOND_OF_SECOND).age]
    assert ages == sorted(ages)
