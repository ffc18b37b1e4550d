"""What is reported of an invariant that does not hold."""

from typing import NamedTuple


class Violation(NamedTuple):
    """One invariant that does not hold, and where."""

    invariant: str
    text: str
