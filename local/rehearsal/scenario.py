"""What a scenario is."""

from collections.abc import Callable
from dataclasses import dataclass

from local.rehearsal.stage import Stage


@dataclass(frozen=True)
class Scenario:
    """One scenario: it plays on a stage, from an empty project or from a deployed one."""

    name: str
    play: Callable[[Stage], None]
    from_deployed: bool = True
    # It is about calls that are refused: they say nothing against the documents.
    about_refusals: bool = False
