"""Language tags: one way to write each (BCP 47, RFC 5646)."""

import re

# The shape of a tag (RFC 5646, section 2.1), not its registry. POSIX, Java and many libraries
# write '_' for '-'.
TAG_PATTERN = r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,8}"
_TAG = re.compile(TAG_PATTERN)


def canonical(tag: str) -> str | None:
    """Return a language tag as it is stored and compared, or None for what is none.

    '-' between its parts, and the case of RFC 5646, section 2.1.1: `pt-BR`, `zh-Hant-TW`. Of that
    form it is itself. Which languages there are is not checked.
    """
    if _TAG.fullmatch(tag) is None:
        return None
    language, *others = tag.lower().replace("_", "-").split("-")
    parts = [language]
    for part in others:
        # After a singleton (an extension, or `x` for private use) all is lower case.
        parts.append(part if len(parts[-1]) == 1 else _cased(part))
    return "-".join(parts)


def _cased(part: str) -> str:
    """Return a region in capitals, a script with a capital first, and all else as it is."""
    if not part.isalpha():
        return part
    if len(part) == 2:
        return part.upper()
    return part.capitalize() if len(part) == 4 else part
