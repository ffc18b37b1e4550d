"""Follow a log file while it grows, and pick what a developer wants to see of it."""

import re
import threading
from collections.abc import Callable
from pathlib import Path

_POLL_S = 0.1
# What firebase-tools marks as a warning or an error, what a function prints, and each request.
_WORTH_SHOWING = re.compile(
    r"""^(?:>\s|⚠|✖|Error:|!|
        i\s+functions:\s(?:Beginning\sexecution|Finished)|
        [^\w\s]?\s+functions:\s(?:Failed|Loaded))""",
    re.VERBOSE,
)
# Warnings that are as they should be on the emulators.
_EXPECTED = re.compile(
    r"""Env\svariable\soverride\sdetected|
        not\ssigned\sin\sto\sthe\sFirebase\sCLI|
        Emulator\sUI\sis\snot\sstarting|
    terminally\sdeprecated\smethod\sin\ssun\.misc\.Unsafe""",
    re.VERBOSE,
)


def worth_showing(line: str) -> bool:
    """Whether the developer should see this line of the log at once."""
    return bool(_WORTH_SHOWING.match(line)) and not _EXPECTED.search(line)


def follow(path: Path, show: Callable[[str], None], ended: threading.Event) -> None:
    """Call `show` with each new line, until `ended` is set and the file is read to its end."""
    with path.open(encoding="utf-8", errors="replace") as file:
        partial = ""
        last = False
        while not last:
            last = ended.wait(_POLL_S)
            partial += file.read()
            *lines, partial = partial.split("\n")
            for line in lines:
                show(f"{line}\n")
        if partial:
            show(partial)


def last_lines(path: Path, count: int) -> str:
    """The end of the log, for an error message."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-count:])
