"""What clients were promised."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.chaos.stored import Promises, State, View
from tests.chaos.violation import Violation

ABSENT = None


@dataclass
class Ledger:
    """For each item the states in which it may be found.

    A save that was sent and not acknowledged may have happened or not, so it adds a state;
    an acknowledgement leaves one.
    """

    _items: dict[tuple[str, str, str], set[State | None]] = field(default_factory=dict)
    _acknowledged: set[tuple[str, str, str]] = field(default_factory=set)

    def sent(self, uid: str, kind: str, label: str, state: State | None) -> None:
        """Note that a save (or with ABSENT a delete) is on its way."""
        self._items.setdefault((uid, kind, label), {ABSENT}).add(state)

    def acknowledged(self, uid: str, kind: str, label: str, state: State | None) -> None:
        """Note that a save or delete was answered as done."""
        self._items[uid, kind, label] = {state}
        self._acknowledged.add((uid, kind, label))

    def promises(self) -> Promises:
        """Return the states in which each item may be found at this moment."""
        return {key: frozenset(states) for key, states in list(self._items.items())}

    def forget(self) -> None:
        """Start anew."""
        self._items.clear()
        self._acknowledged.clear()

    def check(self, view: View) -> Iterable[Violation]:
        """Yield I4 for each item that is not in a state that it may be in, I3 for doubles.

        Work that ends between the look and the check leaves one state that the look may not have
        met: what was promised before the look counts, too.
        """
        found: dict[tuple[str, str, str], list[State]] = {}
        for record in view.records:
            if record.is_ready:
                found.setdefault((record.uid, record.kind, record.label), []).append(record.state)
        for key, allowed in self.promises().items():
            states = found.get(key, [])
            if len(states) > 1:
                yield Violation("I3", f"{'/'.join(key)} is there {len(states)} times")
            state = states[0] if states else ABSENT
            if state not in allowed | view.promised.get(key, frozenset()):
                kept = "acknowledged, " if key in self._acknowledged else ""
                what = "gone" if state is ABSENT else "another"
                yield Violation("I4", f"{'/'.join(key)}: {kept}and now {what}")
