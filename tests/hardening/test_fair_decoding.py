"""Long files, crashes and refusals of some users cost the others nothing but short turns."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.hardening.test_isolation import is_well, order, with_standins
from tests.sounds import content, wav
from voxshelf.adapters.isolated_audio import LONG, IsolatedAudio
from voxshelf.core.audio import SAMPLE_LIMITS
from voxshelf.core.errors import InvalidAudio, RateLimited, Unavailable
from voxshelf.core.spending import Spending

MODULE = "tests.hardening.standin_worker"


def standins():
    """Return this process's workers by how far they stand behind others."""
    found = {}
    for child in psutil.Process().children():
        # One that was just killed has neither.
        with contextlib.suppress(psutil.Error):
            if MODULE in child.cmdline():
                found[child] = child.nice()
    return found


class Room:
    """Users who save at the same time; what hangs is ended at the end."""

    def __init__(self):
        self.inspect_audio = IsolatedAudio(pytest.fail, module=MODULE)
        self._pool = ThreadPoolExecutor(16)

    def begin(self, owner, word="LONG HANG"):
        return self._pool.submit(self.inspect_audio, order(word), SAMPLE_LIMITS, owner)

    def until(self, is_so):
        until = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < until
            time.sleep(0.01)

    def running(self):
        """Return how many workers of the second lane have a file."""
        lane = self.inspect_audio._long._turns
        return lane._running.total()

    def close(self):
        # What waits comes next, and is ended too.
        while self._pending():
            for worker, niceness in standins().items():
                if niceness:
                    worker.kill()
            time.sleep(0.01)
        self._pool.shutdown()
        self.inspect_audio.close()

    def _pending(self):
        lane = self.inspect_audio._long._turns
        return lane.waiting or lane._running.total()


@pytest.fixture
def room():
    made = Room()
    assert is_well(made.inspect_audio)
    yield made
    made.close()


def saves_speech(room, owner):
    return room.inspect_audio(content(wav(1.0)), SAMPLE_LIMITS, owner).duration_s == 1.0


@pytest.mark.parametrize(
    "owners", [["eve"] * 6, [f"eve {number}" for number in range(6)]], ids=["one", "six"]
)
def test_others_save_while_worst_files_of_others_decode(room, owners):
    """What hangs for ever is the worst there is: whoever waited for it would never come back."""
    worst = [room.begin(owner) for owner in owners]
    runs = min(LONG.turns.places, len(set(owners)))
    stays = min(LONG.turns.present, LONG.turns.present_of_owner * len(set(owners)))
    room.until(lambda: sum(file.done() for file in worst) == len(owners) - stays)
    room.until(lambda: room.running() == runs)
    for _ in range(20):
        assert saves_speech(room, "ada")
    assert sum(file.done() for file in worst) == len(owners) - stays
    for file in worst:
        if file.done():
            assert isinstance(file.exception(), Unavailable)
            assert file.exception().retry_after_s == LONG.turns.wait_s


def test_a_long_file_of_another_user_is_decoded_beside_those_of_one(room):
    for _ in range(6):
        room.begin("eve")
    room.until(lambda: room.running() == 1)
    with pytest.raises(InvalidAudio, match="niceness"):
        room.inspect_audio(order("LONG"), SAMPLE_LIMITS, "ada")


def test_long_work_never_takes_the_place_of_short_work(room):
    room.begin("eve")
    room.begin("bob")
    wanted = [0, *[LONG.niceness] * LONG.turns.places]
    room.until(lambda: sorted(standins().values()) == wanted)


@pytest.mark.parametrize(
    ("word", "error"),
    [("CRASH", InvalidAudio), ("KILLED", Unavailable), ("WORK", InvalidAudio)],
)
def test_failed_attempts_count_and_the_rate_refuses_before_any_work(word, error):
    inspect_audio = with_standins(Spending(0.7, 600))
    with pytest.raises(RateLimited) as caught:  # noqa: PT012 - one of the calls
        for _ in range(3):
            with pytest.raises(error):
                inspect_audio(order(word), SAMPLE_LIMITS, "eve")
    assert 0 < caught.value.retry_after_s <= 600
    with pytest.raises(RateLimited):
        inspect_audio(order("QUICK"), SAMPLE_LIMITS, "eve")
    assert is_well(inspect_audio)
    inspect_audio.close()


def test_thousands_of_files_that_are_soon_done_are_no_abuse():
    """An import of a library brings as many as that."""
    spending = Spending(1.0, 600)
    inspect_audio = with_standins(spending)
    for _ in range(50):
        assert is_well(inspect_audio)
    inspect_audio.close()
