import sys
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.contracts.library_contract import generation, voice
from voxshelf.core.errors import InvalidRequest
from voxshelf.core.search import (
    MAX_SEARCH_CHARACTERS,
    MAX_TERMS,
    Search,
    normalised,
    terms_of,
    words_of,
)

# Letters of many scripts, with accents, points, vowel signs and half widths among them.
LETTERS = st.characters(categories=["L", "M", "N", "Z"]) | st.sampled_from(
    "aàÅßﬁİıŞΣςάЙйёאָשׁأَمُकीऩ้าไทยກ្កမ်北京々がカガｶﾞ한ㄱ１½Ⅳ\u200d\ufe0f\U000e0100"
)
TEXTS = st.text(LETTERS, max_size=40)


def found_by(text, item):
    """Tell whether a search finds an item: by its term in an index, and then by all its words."""
    search = Search.parse(text)
    return search.term in terms_of(item) and search.matches(item)


def test_every_character_normalised_again_is_itself():
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    once = list(map(normalised, characters))
    assert list(map(normalised, once)) == once


@given(st.text(max_size=40) | TEXTS)
def test_every_text_normalised_again_is_itself(text):
    assert normalised(normalised(text)) == normalised(text)


@given(st.text(max_size=40) | TEXTS)
def test_words_are_the_same_after_normalising(text):
    assert words_of(normalised(text)) == words_of(text)


@given(st.text(max_size=40) | TEXTS, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_it_makes_no_difference_how_accents_are_encoded(text, form):
    assert normalised(unicodedata.normalize(form, text)) == normalised(text)


@given(TEXTS, st.sampled_from(["name", "description", "tags"]))
def test_every_word_of_a_voice_and_every_beginning_of_it_is_found(text, field):
    value = (text,) if field == "tags" else text
    item = voice(**{"name": "", "description": None, "tags": (), field: value})
    for word in words_of(text):
        for length in range(1, len(word) + 1):
            beginning = word[:length]
            # A beginning may end within what belongs together, and be another text by itself.
            if words_of(beginning) == [beginning]:
                assert found_by(beginning, item), beginning


@given(TEXTS)
def test_every_word_of_a_generation_is_found_together_with_its_voice(text):
    item = generation("g", voice_name="Narrator", text=text)
    for word in words_of(text):
        assert found_by(f"narr {word}"[:MAX_SEARCH_CHARACTERS], item)


@given(TEXTS, TEXTS)
def test_a_text_that_lacks_a_word_is_not_found_by_it(text, other):
    wanted = words_of(other)
    assume(wanted and not any(word in one for one in words_of(text) for word in wanted))
    item = voice(name=text, description=None, tags=())
    assert not Search(tuple(wanted)).matches(item)
    assert not found_by(other, item)


@given(TEXTS, TEXTS)
def test_whatever_matches_is_in_the_index(text, other):
    assume(words_of(other))
    search = Search.parse(other)
    item = voice(name=text, description=None, tags=())
    if search.matches(item):
        assert search.term in terms_of(item)
    if search.is_one_term:
        assert search.matches(item) == (search.term in terms_of(item))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop_it, now!", ["don", "t", "stop", "it", "now"]),
        ("Straße ﬁn Ⅳ ２０２６", ["strasse", "fin", "iv", "2026"]),
        ("ΟΔΟΣ οδός", ["οδοσ", "οδοσ"]),
        ("Йогурт Ёж", ["иогурт", "еж"]),
        ("Łódź ŁÓDŹ lodz", ["lodz", "lodz", "lodz"]),
        ("Øre Đà Ħal Ŧhe Ŋa", ["ore", "da", "hal", "the", "na"]),
        ("Ǽsir œuvre Ǿ ẞ Ðóra Þór", ["aesir", "oeuvre", "o", "ss", "dora", "thor"]),
        ("Iğdır IĞDIR iğdir", ["igdir", "igdir", "igdir"]),
        ("ɓauna Ɗaki ƙasa Ƴaƴa", ["bauna", "daki", "kasa", "yaya"]),
        ("صَوْتٌ", ["صوت"]),
        ("שָׁלוֹם", ["שלום"]),
        ("की कु", ["की", "कु"]),
        ("3Dモデル版", ["3d", "モデル版"]),
        ("ｶﾞｲﾄﾞ", ["ガイド"]),
        ("葛\U000e0100飾", ["葛飾"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("한국어", ["한국어"]),
        ("🎙️ — #", []),
    ],
)
def test_words_are_what_a_reader_takes_for_words(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize("text", ["", " ", "#", "(", " ! ", "🎤", "🎙️", "…", "\u0301"])
def test_a_search_may_have_no_words(text):
    assert Search.parse(text).words == ()


@pytest.mark.parametrize("text", ["x" * 101, "(" * 101])
def test_a_search_without_end_is_refused(text):
    with pytest.raises(InvalidRequest) as refused:
        Search.parse(text)
    assert refused.value.details == {"field": "search"}


@pytest.mark.parametrize("text", ["ł", "l", "Ł", "łódź", "LODZ", "Lódz"])
def test_letters_of_their_own_are_found_by_their_base_letters_and_by_themselves(text):
    assert found_by(text, voice(name="Łódź", description=None, tags=()))
    assert found_by(text, voice(name="Lodz", description=None, tags=()))


@given(
    st.text(st.sampled_from("łŁøØđĐħĦŧŦæÆœŒßẞðÐþÞıIİŋŊƀɨʉƶǥɓɗƙƴ\u0301\u093c\u3099 a"), max_size=12)
)
def test_folded_letters_are_plain_ones_and_stay_so(text):
    folded = normalised(text)
    assert normalised(folded) == folded
    assert not set(folded) & set("łøđħŧæœßðþıŋ")


def test_a_search_asks_an_index_for_its_longest_word():
    assert Search.parse("a longest of all").term == "longest"
    assert Search.parse("donaudampfschiff").term == "donaudampf"
    assert Search.parse("音声合成").term == "音声"


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("word", True),
        ("Word word", True),
        ("two words", False),
        ("donaudampfschiff", False),
        ("音", True),
        ("音声", True),
        ("音声合", False),
    ],
)
def test_an_index_answers_alone_for_one_short_word(text, alone):
    assert Search.parse(text).is_one_term is alone


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=200))
def test_terms_are_distinct_and_bounded(texts):
    tags = tuple(dict.fromkeys(texts[:20]))
    terms = terms_of(generation("g", text=" ".join(texts), tags=tags))
    assert len(set(terms)) == len(terms) <= MAX_TERMS
    assert all(terms)


def test_a_long_text_keeps_its_name_by_beginnings_and_its_words_as_far_as_they_fit():
    text = " ".join(f"word{number:04}" for number in range(2000))
    item = generation("g", voice_name="Narrator", text=text)
    assert len(terms_of(item)) == MAX_TERMS
    assert found_by("n", item)
    assert found_by("narrat", item)
    assert found_by("word0450", item)
    assert not found_by("word1999", item)


def test_a_long_text_without_spaces_is_found_by_any_two_characters_as_far_as_they_fit():
    text = "".join(chr(0x4E00 + number) for number in range(400))
    item = generation("g", voice_name="北", text=text)
    assert found_by(text[350:352], item)
