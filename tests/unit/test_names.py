import itertools
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.names import ObjectNames, Stamp, is_valid_id, is_valid_uid, slug, voice_id_for

NOON = datetime(2026, 11, 22, 12, 0, 0, 5000, UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My Voice", "my_voice"),
        ("  My -- Voice!! ", "my_voice"),
        ("Zoë Ångström", "zoë_ångström"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full_width"),
        ("声の棚", "声の棚"),
        ("Голос 7", "голос_7"),
        ("صوت", "صوت"),
        ("राम", "राम"),
        ("रीमा", "रीमा"),
        ("รีมา", "รีมา"),
        ("Ada ❤️", "ada"),
        ("e\u0301\u0323x", "ẹ́x"),
        ("\u0301x", "x"),
        ("ﬁne", "fine"),
        ("../../etc/passwd", "etc_passwd"),
        ("a" * 200, "a" * 64),
    ],
)
def test_a_slug_keeps_letters_their_marks_and_digits_of_any_script(name, expected):
    assert slug(name) == expected


@given(st.text())
def test_a_slug_is_never_empty_nor_long_and_has_letters_digits_and_underscores_only(name):
    made = slug(name)
    assert 1 <= len(made) <= 64
    for before, character in itertools.pairwise(f"_{made}"):
        is_mark = unicodedata.category(character) in ("Mn", "Mc") and before != "_"
        assert character.isalnum() or character == "_" or is_mark
    assert "__" not in made
    assert made.strip("_") == made


@given(st.text())
def test_a_slug_of_a_slug_is_itself(name):
    assert slug(slug(name)) == slug(name)


@given(st.text(max_size=100))
def test_a_derived_voice_id_is_valid(name):
    assert is_valid_id(voice_id_for(name))


def test_names_that_differ_in_their_marks_stay_apart():
    assert len({slug(name) for name in ("राम", "रीमा", "रोमी", "रामा")}) == 4


def test_names_without_letters_stay_apart():
    assert slug("🎤") != slug("🎧")


@pytest.mark.parametrize(
    "candidate",
    ["", ".", "..", "__x__", "_a", "a/b", "a\\b", "a b", "a\0", "a\n", "%2e", "x" * 129, "e\u0301"],
)
def test_an_id_that_a_path_or_firestore_would_read_as_syntax_is_not_valid(candidate):
    assert not is_valid_id(candidate)


@pytest.mark.parametrize("candidate", ["voice_a", "7", "A-b_c.d", "голос", "声", "voice_रीमा"])
def test_plain_ids_are_valid(candidate):
    assert is_valid_id(candidate)


def test_the_later_stamps_of_a_second_are_numbered():
    first = Stamp.after(None, NOON)
    second = Stamp.after(first, NOON + timedelta(milliseconds=900))
    third = Stamp.after(second, NOON)
    fourth = Stamp.after(third, NOON + timedelta(seconds=1))
    assert [str(s) for s in (first, second, third, fourth)] == [
        "20261122_120000",
        "20261122_120000_2",
        "20261122_120000_3",
        "20261122_120001",
    ]


@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=20))
def test_stamps_never_repeat_whatever_the_clock_does(times):
    stamps, last = [], None
    for time in times:
        last = Stamp.after(last, time)
        stamps.append(str(last))
    assert len(set(stamps)) == len(stamps)


def test_objects_are_named_as_the_contract_says():
    names = ObjectNames("uid-1", "voice_my_voice", Stamp(NOON.replace(microsecond=0), 2))
    assert names.sample("wav") == "voice_samples/uid-1/voice_my_voice_sample_20261122_120000_2.wav"
    assert names.profile(first_version=True) == "voice_profiles/uid-1/voice_my_voice.npy"
    later = "voice_profiles/uid-1/voice_my_voice_20261122_120000_2.npy"
    assert names.profile(first_version=False) == later
    assert names.generation_id == "TTS_voice_my_voice_20261122_120000_2"
    expected = "tts_generations/uid-1/TTS_voice_my_voice_20261122_120000_2.mp3"
    assert names.generation("mp3") == expected


def test_an_id_that_only_shares_its_slug_does_not_own_the_plain_profile_name():
    stamp = Stamp(NOON.replace(microsecond=0))
    foreign = ObjectNames("u", "voice_My-Voice", stamp).profile(first_version=True)
    assert foreign == "voice_profiles/u/voice_my_voice_20261122_120000.npy"


@pytest.mark.parametrize(
    "uid",
    ["a", "x" * 128, "ünïcode", "音" * 128, "auth0|a.b@c", "a..b", "__a", "a__", "a b", "..."],
)
def test_a_uid_that_is_one_part_of_a_path_is_good(uid):
    assert is_valid_uid(uid)
    assert len(f"users/{uid}".encode()) < 1500


@pytest.mark.parametrize(
    "uid",
    [
        *("", ".", "..", "/", "a/b", "/a", "a/", "__x__", "____", "a\0b", "a\nb", "a\rb", "\x7f"),
        *("a\u2028b", "\ud800", "x" * 129, "音" * 500),
    ],
    ids=ascii,
)
def test_a_uid_that_would_lead_elsewhere_or_nowhere_is_none(uid):
    assert not is_valid_uid(uid)
