"""One storm: users side by side, attacks around them, and the judgement in the end."""

import itertools
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from local.runpod.plan import CHANCES
from tests.chaos.lab import Lab
from tests.storm.attacks import Attacks
from tests.storm.fleet import Fleet
from tests.storm.judge import Judge
from tests.storm.record import Record
from tests.storm.shared import Shared
from tests.storm.user import User

# Faults of RunPod's own; results of forty megabytes belong to another measurement.
_RUNPOD_CHANCE = 0.05
_SAY_EVERY_S = 15.0


def storm(
    lab: Lab,
    operations: int,
    kills: int,
    users: int,
    seed: int,
    say: Callable[[str], None],
) -> Record:
    """Let so many users do so many operations; return what was done and what was wrong."""
    lab.clear()
    record = Record(seed)
    started = time.monotonic()
    with Fleet(lab, os.environ) as fleet:
        chances = {**dict.fromkeys(CHANCES, _RUNPOD_CHANCE), "huge": 0}
        fleet.runpod.control("faults", {"seed": seed, "chance": chances})
        shared, numbers = Shared(), itertools.count(1)
        lived: list[User] = []

        def live(share: int) -> None:
            # Whose library is not as it should be is followed by another user.
            while share > 0:
                user = User(fleet, shared, record, next(numbers))
                lived.append(user)
                share -= user.live(share)

        over = threading.Event()
        teller = threading.Thread(target=_tell, args=(record, over, say))
        teller.start()
        try:
            with Attacks(fleet, record, kills, operations), ThreadPoolExecutor(users) as pool:
                list(pool.map(live, _shares(operations, users)))
            say("It is calm; all is compared ...")
            Judge(fleet, record).judge(lived)
        finally:
            over.set()
            teller.join()
    record.seconds = time.monotonic() - started
    return record


def _shares(operations: int, users: int) -> list[int]:
    return [operations // users + (number < operations % users) for number in range(users)]


def _tell(record: Record, over: threading.Event, say: Callable[[str], None]) -> None:
    while not over.wait(_SAY_EVERY_S):
        say(
            f"{record.operations} operations, {record.kills} kills, "
            f"{len(record.violations)} violations"
        )


def drawn_seed() -> int:
    """Return a seed for a run that is to be unlike the last."""
    return random.SystemRandom().randrange(1_000_000)
