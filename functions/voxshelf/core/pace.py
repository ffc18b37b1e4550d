"""How long a body may keep others waiting for its client.

A body holds one of the few threads of its process while it comes. So the time in which nothing of
it is there counts against it, and every byte that comes counts for it. The time that the service
itself takes between two reads is not the client's.
"""


class Allowance:
    """Seconds that may be waited: they are used up by waiting, and bytes bring them back."""

    def __init__(self, most_s: float, bytes_per_s: int) -> None:
        """Begin with `most_s`, of which each `bytes_per_s` that come bring back one second."""
        self._most_s, self._bytes_per_s = most_s, bytes_per_s
        self.left_s = most_s

    def came(self, size_bytes: int) -> None:
        """Earn seconds; never more than the most, so nobody saves up for a long pause."""
        self.left_s = min(self._most_s, self.left_s + size_bytes / self._bytes_per_s)

    def waited(self, seconds: float) -> None:
        """Use up seconds."""
        self.left_s = max(0.0, self.left_s - seconds)


def quick() -> Allowance:
    """Return what makes a body slow when it is used up.

    512 kbit/s, after a pause for the answer to `Expect` on a bad line.
    """
    return Allowance(0.5, 64 * 1024)


def patience() -> Allowance:
    """Return what ends a body when it is used up.

    64 kbit/s, which a phone at the edge of its network keeps (EDGE has more), after a pause in
    which such a phone finds another cell.
    """
    return Allowance(10.0, 8 * 1024)
