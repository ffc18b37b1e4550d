"""What one save costs in calls to Firestore and Storage, counted at the proxies."""

from dataclasses import dataclass

from tests.chaos.clients import speech_save, voice_save
from tests.chaos.faults import EVER, UPLOAD, Rule, Slow, sequential_depth
from tests.chaos.lab import Lab


@dataclass(frozen=True)
class RoundTrips:
    """The calls of one save in their order, and how many of them had to wait for another."""

    name: str
    calls: tuple[str, ...]
    one_after_another: int

    def __str__(self) -> str:
        count, depth = len(self.calls), self.one_after_another
        return f"{self.name}: {count} round trips, {depth} in a row: {', '.join(self.calls)}"


def round_trips(lab: Lab) -> list[RoundTrips]:
    """Count those of a first save of a voice with a profile, of a replace, and of speech."""
    counted: dict[str, RoundTrips] = {}
    # The first round makes the functions' connections.
    for _ in range(2):
        person = lab.person()
        works = {
            "voices_save": voice_save(person, key="first"),
            "voices_save, replace": voice_save(person, key="second", replace="true"),
            "tts_save": speech_save(person, "voice_alba", key="third"),
        }
        for name, work in works.items():
            server = lab.faulty(work.target)
            lab.board.clear()
            # Long enough for uploads that are sent side by side to be seen side by side.
            lab.board.add(Rule(Slow(0.1), UPLOAD, times=EVER))
            outcome = work.send(server, lab.ledger)
            if outcome.status != 201:
                raise AssertionError(f"A save without a fault failed: {outcome}")
            entries = lab.board.journal(person.uid)
            kinds = tuple(entry.call.kind for entry in entries)
            counted[name] = RoundTrips(name, kinds, sequential_depth(entries))
    return list(counted.values())
