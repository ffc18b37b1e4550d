"""Search: the words of a text in any script, and the terms under which an item is found.

Firestore has no text search. Each document carries its terms in one array, a query asks for one
of them, and what the query cannot say is checked on the items that it finds.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, pairwise

from voxshelf.core.errors import InvalidRequest
from voxshelf.core.items import Generation, Voice
from voxshelf.core.names import VARIATION_SELECTORS

MAX_SEARCH_CHARACTERS = 100
# Every term is an entry in the one index that holds `terms` (decision 19), and each entry is some
# 200 bytes. The terms themselves take some 10 KB of the 1 MiB that a document may have.
MAX_TERMS = 500
# Longer beginnings tell hardly any more words apart, and each would be one more term.
_PREFIX_CHARACTERS = 10
# Without spaces every character begins a word: two of them are about as rare as a word elsewhere.
_GRAM_CHARACTERS = 2

# Thai, Lao, Myanmar, Khmer, Hiragana and Katakana, Han: the blocks of the Unicode Standard,
# without those that NFKC replaces.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\U00020000-\U0003ffff"
)
_PIECES = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED} ]+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]").match
# A stretch of a text up to what stands between two words in any script: it can be read alone.
_STRETCHES = re.compile(r"(?s).{1,1000}[^\s\u3001\u3002\uff01\uff0c\uff1f]*")
# Combining classes (UAX 44, table 15) of marks without which a word is another word: vowel signs
# (0), nuktas (7), the voicing marks of kana (8), viramas (9). All others are accents and points.
_OWN_LETTERS = frozenset({0, 7, 8, 9})
# Letters of their own that a keyboard without them writes with these, and that NFKD does not take
# apart: a stroke, a hook and a ligature are no accents to it.
_BASE_LETTERS = str.maketrans(
    {
        "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ƀ": "b", "ɨ": "i", "ʉ": "u", "ƶ": "z",
        "ǥ": "g", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ð": "d", "þ": "th", "ŋ": "n",
        "æ": "ae", "œ": "oe", "\u0131": "i",
    }
)  # fmt: skip


def normalised(text: str) -> str:
    """Return a text in the form in which texts are compared; of that form it is itself.

    Case, accents, strokes and points, width, ligatures and invisible characters make no
    difference.
    """
    if text.isascii():
        return text.lower()
    # One after the other: `normalize` takes the square of the time to put a run of marks in order,
    # and a text may be one such run.
    kept = "".join(
        [
            one
            for character in text
            for one in unicodedata.normalize("NFKD", character)
            # Nearly all are letters, which is quick to see.
            if one.isalnum() or _counts(one)
        ]
    )
    return unicodedata.normalize("NFKC", _ordered(kept.casefold().translate(_BASE_LETTERS)))


def _counts(character: str) -> bool:
    return (
        unicodedata.combining(character) in _OWN_LETTERS
        and character not in VARIATION_SELECTORS
        and unicodedata.category(character) != "Cf"
    )


def _ordered(text: str) -> str:
    """Return a text with each run of marks in the canonical order (Unicode Standard, D109)."""
    classes = bytes(map(unicodedata.combining, text))
    # No writer puts them in another order.
    if not any(classes) or not any(0 < after < before for before, after in pairwise(classes)):
        return text
    runs = groupby(text, key=lambda character: unicodedata.combining(character) > 0)
    return "".join(
        "".join(sorted(run, key=unicodedata.combining) if are_marks else run)
        for are_marks, run in runs
    )


def words_of(text: str) -> list[str]:
    """Return the normalised words of a text: letters, digits and their marks.

    Where a script writes no spaces, what stands between two that it does write is one word.
    """
    spaced = "".join([one if _is_part_of_a_word(one) else " " for one in normalised(text)])
    return [word for word in _PIECES.findall(spaced) if any(map(str.isalnum, word))]


def _is_part_of_a_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def terms_of(item: Voice | Generation) -> tuple[str, ...]:
    """Return the terms of an item: at most `MAX_TERMS`, each once.

    The name comes first, each word whole and then its beginnings, down to one character. Tags
    and text follow in the same way, so that a long text is found by its words far into it, and
    by beginnings of words as far as there is room: all of some 80 different words.
    """
    return tuple(islice(_distinct(_word_terms(_texts(item))), MAX_TERMS))


def _texts(item: Voice | Generation) -> tuple[str, ...]:
    if isinstance(item, Voice):
        return (item.name, *item.tags, item.description or "")
    return (item.voice_name, *item.tags, item.text or "")


def speech_terms(voice_name: str, tags: Iterable[str], text: str | None) -> tuple[str, ...]:
    """Return the terms of a generation of which no more is known."""
    return tuple(islice(_distinct(_word_terms((voice_name, *tags, text or ""))), MAX_TERMS))


def _word_terms(texts: Sequence[str]) -> Iterator[str]:
    """Yield terms one by one, so that no more of a long text is read than there is room for."""
    name, *others = texts
    for some in ([name], others):
        heads = []
        for head in _heads(some):
            heads.append(head)
            yield head
        for head in heads:
            yield from (head[:length] for length in range(len(head) - 1, 0, -1))


def _heads(texts: Iterable[str]) -> Iterator[str]:
    """Yield the longest terms that words are found by: one for each place that begins a word."""
    for text in texts:
        for stretch in _STRETCHES.findall(text):
            for word in words_of(stretch):
                if _IS_UNSPACED(word):
                    yield from (
                        word[start : start + _GRAM_CHARACTERS] for start in range(len(word))
                    )
                else:
                    yield word[:_PREFIX_CHARACTERS]


def _head(word: str) -> str:
    return word[: _GRAM_CHARACTERS if _IS_UNSPACED(word) else _PREFIX_CHARACTERS]


def _distinct(terms: Iterable[str]) -> Iterator[str]:
    seen = set[str]()
    for term in terms:
        if term not in seen:
            seen.add(term)
            yield term


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for: items that have, for each of `words`, a word beginning with it.

    Where a script writes no spaces, a word may stand anywhere. Without any words, as of "(" or
    "🎤", it finds nothing.
    """

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Search":
        """Read what was typed.

        Raises:
            InvalidRequest: when it is too long.
        """
        if len(text) > MAX_SEARCH_CHARACTERS:
            raise InvalidRequest(
                f"search must be at most {MAX_SEARCH_CHARACTERS} characters.",
                details={"field": "search"},
            )
        return cls(tuple(_distinct(words_of(text))))

    @property
    def term(self) -> str:
        """Return the one term to ask an index for: the longest word's, as the rarest.

        There must be a word.
        """
        return _head(max(self.words, key=len))

    @property
    def is_one_term(self) -> bool:
        """Tell whether an index answers it alone."""
        return self.words == (self.term,)

    def matches(self, item: Voice | Generation) -> bool:
        """Tell whether an item has all words."""
        # Looked for in all words at once: a text may have as many words as it has characters.
        words = " ".join(["", *(word for text in _texts(item) for word in words_of(text))])
        return all(_as_it_stands(wanted) in words for wanted in self.words)


def _as_it_stands(wanted: str) -> str:
    """Return a wanted word behind the space that begins a word, if its script writes any."""
    return wanted if _IS_UNSPACED(wanted) else f" {wanted}"
