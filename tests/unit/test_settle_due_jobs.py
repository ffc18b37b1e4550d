import pytest

from tests.unit.workshop import SPOKEN, Workshop
from voxshelf.core.jobs import SpeechOrder
from voxshelf.use_cases.job_ports import OwnedJob
from voxshelf.use_cases.settle_due_jobs import settle_due_jobs
from voxshelf.use_cases.unreadable import Unreadable

USERS = ("ada", "bob", "eve")
BROKEN = Unreadable("jobs", "ab" * 32, "KeyError")


@pytest.fixture
def shop():
    """Return a workshop in which three users have a job that RunPod has finished."""
    shop = Workshop()
    for uid in USERS:
        shop.save_voice(uid)
        job, _ = shop.speak(SpeechOrder("voice_ada", f"Of {uid}."), uid=uid)
        shop.workers.complete(job.runpod_job_id, SPOKEN)
    return shop


class Due:
    """Jobs of which these are due."""

    def __init__(self, jobs, due):
        self._jobs, self._due = jobs, due

    def __getattr__(self, name):
        return getattr(self._jobs, name)

    def due(self):
        yield from self._due


def settle(shop, due, **options):
    ports = {**shop.ports, "jobs": Due(shop.jobs, due)}
    return settle_due_jobs(**ports, lease=shop.policy.lease, **options)


def due(shop):
    return [OwnedJob(uid, job) for (uid, _), job in shop.jobs.records.items()]


def test_every_users_job_is_settled_whatever_cannot_be_read_between(shop):
    first, *others = due(shop)
    followed = settle(shop, [BROKEN, first, BROKEN, *others, BROKEN])
    assert (followed.looked, followed.ended, followed.failed) == (3, 3, 0)
    assert followed.unreadable == [BROKEN] * 3
    shop.check()


def test_a_job_that_fails_keeps_no_other(shop):
    first, *others = due(shop)
    followed = settle(shop, [OwnedJob("nobody", first.job), *others])
    assert (followed.looked, followed.ended, followed.failed) == (3, 2, 1)


def test_when_the_time_is_over_the_rest_is_left_to_the_next_run(shop):
    followed = settle(shop, due(shop), ends_at=0.0)
    assert (followed.looked, followed.unfinished) == (0, 1)
    shop.later(minutes=1)
    again = shop.settle_due()
    assert (again.ended, again.unfinished) == (3, 0)
