"""Lines for the developer, each with the seconds since the start."""

import contextlib
import sys
import time


class Console:
    """Write lines to stdout and never fail.

    The terminal may be gone while processes still have to be ended: a line that nobody can read
    must not stop that.
    """

    def __init__(self) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def elapsed_s(self) -> float:
        """Seconds since the console was made."""
        return time.monotonic() - self._started

    def step(self, text: str) -> None:
        """Write one line of progress, with the time."""
        self.write(f"[{self.elapsed_s():5.1f} s] {text}\n")

    def write(self, text: str) -> None:
        """Write the text as it is."""
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(text)
            sys.stdout.flush()
