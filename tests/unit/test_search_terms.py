"""The terms of a text as their definition has them, and in a time that grows as the text does."""

import math
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.library_contract import generation, voice
from voxshelf.core import search
from voxshelf.core.search import MAX_TERMS, Search, normalised, speech_terms, terms_of, words_of

SCRIPTS = st.text(
    st.sampled_from(
        "aZé 。、！\n.#ไทย音声北カがガｶﾞ한각ᄀ\u11a8कीक\u094d\u093c\u0301\u0316\u3099\u200d\ufe0f"
    )
)
TEXTS = st.text(max_size=60) | SCRIPTS
SIZES = (12_500, 100_000)
LONG = {
    "one character": "中",
    "Han": "".join(map(chr, range(0x4E00, 0x9F00))),
    "Thai": "สวัสดีครับ",
    "accents in no order": "\u0301\u0316",
    "marks in no order": "\u094d\u093c",
    "words": "ein zwei drei ü ",
    "sentences": "今日は。",
}


def slow_form(text):
    """Return the form in which texts are compared, as Unicode defines its parts."""
    decomposed = unicodedata.normalize("NFKD", text)
    kept = "".join(one for one in decomposed if one.isalnum() or search._counts(one))
    return unicodedata.normalize("NFKC", kept.casefold().translate(search._BASE_LETTERS))


def slow_words(text):
    spaced = "".join(
        one if one.isalnum() or unicodedata.category(one)[0] == "M" else " "
        for one in slow_form(text)
    )
    return [word for word in search._PIECES.findall(spaced) if any(map(str.isalnum, word))]


def slow_terms(name, others):
    terms = []
    for texts in ([name], others):
        words = [word for text in texts for word in slow_words(text)]
        starts = [
            word[start:]
            for word in words
            for start in (range(len(word)) if search._IS_UNSPACED(word) else [0])
        ]
        heads = [search._head(start) for start in starts]
        terms += heads
        terms += [head[:end] for head in heads for end in range(len(head) - 1, 0, -1)]
    return tuple(dict.fromkeys(terms))[:MAX_TERMS]


@given(TEXTS)
def test_the_form_of_a_text_is_as_unicode_defines_it(text):
    assert normalised(text) == slow_form(text)
    assert words_of(text) == slow_words(text)


def test_the_form_of_each_character_is_as_unicode_defines_it():
    # Of the planes above, no character has another form.
    characters = list(map(chr, range(0x33480)))
    assert list(map(normalised, characters)) == list(map(slow_form, characters))


@given(TEXTS, st.lists(TEXTS, max_size=3), TEXTS, st.integers(1, 40))
def test_terms_are_as_their_definition_has_them(name, tags, text, times):
    # Some are longer than the stretches in which a text is read.
    text *= times
    item = generation("g", voice_name=name, tags=tuple(tags), text=text)
    expected = slow_terms(name, [*tags, text])
    assert terms_of(item) == expected
    assert speech_terms(name, tags, text) == expected


@given(TEXTS, TEXTS)
def test_whatever_has_all_words_matches_and_nothing_else(text, typed):
    words, wanted = words_of(text), Search.parse(typed[:100]).words
    has_all = all(
        any(one in word if search._IS_UNSPACED(one) else word.startswith(one) for word in words)
        for one in wanted
    )
    assert Search(wanted).matches(voice(name=text, description=None, tags=())) == has_all


@pytest.mark.parametrize("pattern", LONG.values(), ids=LONG)
def test_eight_times_the_text_is_no_square_of_the_work(pattern):
    less, more = (work(pattern, size) for size in SIZES)
    # Eight times the work, and the noise of a busy machine. A square would be 64 times.
    assert more < 24 * less


def work(pattern, size):
    """Return the seconds of this thread's own time that all terms of a text take, at best."""
    text = (pattern * (size // len(pattern) + 1))[:size]
    item, wanted = generation("g", text=text), Search.parse("何か wanted")
    best = math.inf
    for _ in range(2):
        started = time.thread_time()
        normalised(text)
        terms_of(item)
        wanted.matches(item)
        best = min(best, time.thread_time() - started)
    return best
