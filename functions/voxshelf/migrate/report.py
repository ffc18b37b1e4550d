"""What a run did and what it could not do, for the person who started it."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from voxshelf.migrate.folder import Remark
from voxshelf.migrate.plan import Item, Kind, Plan
from voxshelf.migrate.sending import Outcome, Sent

_KINDS: tuple[tuple[Kind, str], ...] = (("voice", "voices"), ("generation", "generations"))


@dataclass
class Tally:
    """What has become of the items so far, since the run started."""

    plan: Plan
    done: Counter[tuple[Kind, Outcome]] = field(default_factory=Counter)
    size_bytes: int = 0
    refused: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def sent(self, item: Item, sent: Sent) -> None:
        """Count an item that is in the library."""
        self.done[item.kind, sent.outcome] += 1
        self.size_bytes += sent.size_bytes
        self.notes += [Remark(item.file, text) for text in sent.notes]

    def not_sent(self, item: Item, reason: str) -> None:
        """Count an item that is not."""
        self.refused.append(Remark(item.file, reason))

    @property
    def is_complete(self) -> bool:
        """Tell whether everything in the folder is in the library."""
        return self.done.total() == len(self.plan.items) and not self.plan.problems

    def summary(self) -> str:
        """Return the counts, and every file that was left with the reason."""
        seconds = time.monotonic() - self.started
        files = sum(count for (_, outcome), count in self.done.items() if outcome != Outcome.NOTED)
        # The counts come last: there they are seen, however many files are listed.
        lines = [*_remarks("To know", [*self.plan.notes, *self.notes])]
        lines += _remarks("Not sent", [*self.plan.problems, *self.refused])
        lines += [self._counts(kind, noun) for kind, noun in _KINDS]
        lines.append(
            f"{self.size_bytes / 1e6:.1f} MB in {seconds:.1f} s ({files / seconds:.1f} files/s)"
        )
        return "\n".join(lines)

    def _counts(self, kind: Kind, noun: str) -> str:
        counts = {outcome.value: self.done[kind, outcome] for outcome in Outcome}
        planned = sum(item.kind == kind for item in self.plan.items)
        counts["not sent"] = planned - sum(counts.values())
        parts = [f"{count} {word}" for word, count in counts.items() if count]
        return f"{noun}: {', '.join(parts) or 'none'}"


def shown_plan(plan: Plan) -> str:
    """Return what would be sent, a line for each voice, and what would not."""
    of_voice = Counter(item.voice_id for item in plan.generations)
    lines = []
    for voice in plan.voices:
        profile = f" with {voice.profile.name}" if voice.profile else ", no profile"
        count = of_voice[voice.voice_id]
        lines.append(f"{voice.voice_id}: {voice.file}{profile}; {count} generations")
    lines += _remarks("To know", plan.notes)
    lines += _remarks("Cannot be sent", plan.problems)
    lines.append(f"{len(plan.voices)} voices, {len(plan.generations)} generations would be sent")
    return "\n".join(lines)


def _remarks(title: str, remarks: Iterable[Remark]) -> Iterator[str]:
    """Yield every file, under what is the matter with it."""
    by_text: dict[str, list[str]] = {}
    for remark in remarks:
        by_text.setdefault(remark.text, []).append(remark.file)
    if by_text:
        yield f"{title} ({sum(map(len, by_text.values()))} files):"
    for text, files in by_text.items():
        yield f"  {text}"
        yield from (f"    {file}" for file in files)
