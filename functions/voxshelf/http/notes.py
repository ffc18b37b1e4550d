"""Side notes of workers, in the many forms in which they write them: numbers, shapes, times.

Each reader returns None for what it does not understand; what that means is decided elsewhere.
"""

import math
import re
import unicodedata
from datetime import UTC, datetime

_NUMBER = re.compile(
    r"\s*([+-]?\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,3})?)\s*([A-Za-zµ]{0,8})\.?\s*"
)
# How many seconds or hertz a unit is.
_SECONDS = {
    **dict.fromkeys(("", "s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millis"), 0.001),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
}
_HERTZ = {**dict.fromkeys(("", "hz"), 1.0), **dict.fromkeys(("k", "khz"), 1000.0)}
# `[1, 4080]`, `(1, 4080)`, `torch.Size([1, 4080])`, `1x4080` (U+00D7, too), `[1.0, 4080.0]`
_SHAPE = re.compile(r"(?:[A-Za-z_][\w.]{0,30})?[\s(\[]*(\d[\d.\s,x\u00d7*]*)[\s)\]]*")
_SIZE = re.compile(r"\d+(?:\.0*)?")
_MAX_DIMENSIONS = 8
_MAX_SIZE = 2**63 - 1
_MAX_TIMESTAMP_CHARACTERS = 100
_UNIX_SECONDS = re.compile(r"\d{9,10}(\.\d{1,9})?")
_UNIX_MILLISECONDS = re.compile(r"\d{12,13}")
_TIMESTAMP = re.compile(r"(\d{8})[_T-]?(\d{6})")
# The terminal's own language: colours and cursor moves (ECMA-48, section 5.4).
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
# Breaks of lines and pages that are no line feed.
_BREAKS = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x85"), "\n")


def seconds_of(text: str) -> float | None:
    """Return a duration: `2.4`, `2.4 s`, `2400 ms`."""
    return _measured(text, _SECONDS)


def hertz_of(text: str) -> float | None:
    """Return a rate: `24000`, `24000 Hz`, `24 kHz`."""
    return _measured(text, _HERTZ)


def _measured(text: str, units: dict[str, float]) -> float | None:
    match = _NUMBER.fullmatch(text)
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None:
        return None
    value = float(match[1]) * factor
    return value if math.isfinite(value) else None


def shape_of(value: object) -> tuple[int, ...] | None:
    """Return a tensor's shape: a list of sizes, or how a tensor library prints it."""
    if isinstance(value, str):
        match = _SHAPE.fullmatch(value.strip()[:200])
        value = [float(size) for size in _SIZE.findall(match[1])] if match else None
    if not isinstance(value, list) or len(value) > _MAX_DIMENSIONS:
        return None
    return tuple(map(int, value)) if all(map(_is_size, value)) else None


def _is_size(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= _MAX_SIZE and value == int(value)


def timestamp_of(value: object) -> str | None:
    """Return a moment as `YYYYMMDD_HHMMSS`: written so, as RFC 3339, or in Unix time."""
    text = str(value)[:_MAX_TIMESTAMP_CHARACTERS].strip()
    compact = _TIMESTAMP.fullmatch(text)
    try:
        if compact:
            moment = datetime.strptime(f"{compact[1]}{compact[2]}", "%Y%m%d%H%M%S").replace(
                tzinfo=UTC
            )
        elif _UNIX_SECONDS.fullmatch(text):
            moment = datetime.fromtimestamp(float(text), UTC)
        elif _UNIX_MILLISECONDS.fullmatch(text):
            moment = datetime.fromtimestamp(int(text) / 1000, UTC)
        else:
            # Without dashes it would take any digits for a date.
            moment = datetime.fromisoformat(text if "-" in text else "")
            moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
    return moment.strftime("%Y%m%d_%H%M%S")


def cleaned(text: str) -> str:
    """Return a text as it may be kept: no controls, no halves of surrogate pairs.

    Line breaks of any kind become line feeds, colours of a terminal go, and half a character
    shows that one is missing (U+FFFD).
    """
    whole = _ANSI.sub("", text).translate(_BREAKS)
    return "".join(map(_kept, whole))


def _kept(character: str) -> str:
    if character in "\n\r\t":
        return character
    return {"Cc": "", "Cs": "\ufffd"}.get(unicodedata.category(character), character)
