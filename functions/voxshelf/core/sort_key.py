"""The key by which names sort: in the order in which people count and spell.

A database compares texts byte by byte. So the key is made such that this is the natural order.
"""

import re
import unicodedata

from voxshelf.core.search import normalised

# Firestore compares the first 1,500 bytes of an indexed text
# (https://firebase.google.com/docs/firestore/quotas#indexes). No character of UTF-8 takes more
# than four. Cut by characters, because a cut by bytes could turn the order of two keys round.
MAX_KEY_CHARACTERS = 375

_DIGITS = re.compile(r"\d+")


def sort_key(name: str) -> str:
    """Return the key of a name: keys compare, by code point or UTF-8, as names should follow.

    Numbers are compared by their value, in whatever script ("voice 2" before "voice 10"). Case,
    accents and the width of a space make no difference (`search.normalised`): of names whose keys
    are equal, it is for the list to settle the order, by their ids. A key is no name: that of a
    key is another one.
    """
    spaced = " ".join(normalised(name).split())
    return _DIGITS.sub(_number, spaced)[:MAX_KEY_CHARACTERS]


def _number(run: re.Match[str]) -> str:
    """Return a number behind its length, and that behind its own: the longer is the larger.

    It begins with a digit and so stands where digits stand among other characters. A length of
    more than nine digits is longer than any text.
    """
    digits = "".join(str(unicodedata.decimal(one)) for one in run.group()).lstrip("0") or "0"
    length = str(len(digits))
    return f"{len(length)}{length}{digits}"
