"""Play scenarios: the first deploy once, and each other one from what it starts with."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.rehearsal.project import CloudProject
from local.rehearsal.scenario import Scenario
from local.rehearsal.scenarios import FIRST, SHORT, all_scenarios
from local.rehearsal.stage import Stage, prepared_project


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario; `outside` are calls that the documents do not cover."""

    name: str
    problems: tuple[str, ...]
    calls: int
    outside: int
    questions: int


class Player:
    """Plays scenarios in folders of their own under `scratch`."""

    def __init__(self, scratch: Path) -> None:
        """Nothing is played yet."""
        self._scratch = scratch
        self._stages = 0
        self.deployed: CloudProject | None = None

    def play(self, *, short: bool = False) -> Iterator[Outcome]:
        """Play all scenarios, or the short set, one after the other."""
        yield self.play_one(FIRST)
        if self.deployed is not None:
            for scenario in SHORT if short else all_scenarios(self.deployed):
                yield self.play_one(scenario)

    def play_one(self, scenario: Scenario) -> Outcome:
        """Play one scenario; one that starts from a deployed project needs the first before it."""
        empty = prepared_project()
        start = self.deployed if scenario.from_deployed and self.deployed else empty
        self._stages += 1
        stage = Stage(self._scratch / str(self._stages), start)
        scenario.play(stage)
        if scenario is FIRST and not stage.problems:
            self.deployed = stage.project
        unknown = [call for call in stage.calls if call.lacking is None]
        refused = [call for call in stage.calls if call.lacking and not scenario.about_refusals]
        outside = len(unknown) + len(refused)
        return Outcome(
            scenario.name, tuple(stage.problems), len(stage.calls), outside, stage.questions
        )
