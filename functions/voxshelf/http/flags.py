"""Flags as texts: in queries and forms there is nothing else."""

from collections.abc import Mapping

_FLAGS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


def read_flag(text: str) -> bool | None:
    """Return the flag that a text means, in any case, or None."""
    return _FLAGS.get(text.lower())
