"""Language tags, in the one form in which they are kept and compared."""

import re

# The shape of a BCP 47 tag (RFC 5646, section 2.1), not its registry.
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,8}")


def canonical(tag: str) -> str | None:
    """Return a language tag in canonical letter case (RFC 5646, section 2.1.1), or None."""
    text = tag.strip().replace("_", "-")
    if _TAG.fullmatch(text) is None:
        return None
    first, *others = text.split("-")
    return "-".join([first.lower(), *map(_cased, others)])


def _cased(subtag: str) -> str:
    if len(subtag) == 2 and subtag.isalpha():
        return subtag.upper()
    return subtag.title() if len(subtag) == 4 and subtag.isalpha() else subtag.lower()
