"""The schedule's function: jobs first, and an answer whatever it meets."""

from datetime import timedelta

import pytest

from voxshelf.core.errors import Unavailable
from voxshelf.use_cases.unreadable import Unreadable

BROKEN = Unreadable("voices", "ab" * 32, "KeyError")


@pytest.fixture
def runpod(services):
    services.runpod.is_configured = True
    return services.runpod


def run(function, **options):
    answer = function("reconcile").post("/", json=options)
    assert answer.status_code == 200
    return answer.get_json()


def test_jobs_come_before_all_else(function, services, runpod, monkeypatch):
    calls = []
    monkeypatch.setattr(runpod.jobs, "due", lambda: iter(calls.append("jobs") or ()))
    monkeypatch.setattr(
        services.library, "leftovers", lambda _: iter(calls.append("leftovers") or ())
    )
    run(function)
    assert calls[0] == "jobs"
    assert set(calls) == {"jobs", "leftovers"}


def test_what_cannot_be_read_is_counted_and_logged_by_its_digest_alone(
    function, services, runpod, monkeypatch, capsys
):
    services.library.unreadable = [BROKEN]
    monkeypatch.setattr(runpod.jobs, "due", lambda: iter([Unreadable("jobs", "cd" * 32, "X")]))
    assert run(function)["unreadable"] == 2
    logged = [line for line in capsys.readouterr().out.splitlines() if "cannot be read" in line]
    assert [("ab" * 32 in line, "cd" * 32 in line) for line in logged] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize("error", [Unavailable, TypeError], ids=["an outage", "a bug"])
def test_jobs_that_cannot_be_listed_keep_nothing_else(
    function, services, runpod, monkeypatch, error
):
    def due():
        raise error

    monkeypatch.setattr(runpod.jobs, "due", due)
    services.objects.plant("uploads/ada/old.wav", b"x", services.library.now() - timedelta(days=2))
    counts = run(function)
    assert (counts["jobs_failed"], counts["uploads"]) == (1, 1)


def test_an_outage_is_counted_and_answered(function, services, monkeypatch):
    def leftovers(_older_than):
        raise Unavailable

    monkeypatch.setattr(services.library, "leftovers", leftovers)
    assert run(function, deep=True)["failed"] == 1


def test_the_deep_run_recounts(function, services):
    services.library.users = lambda: iter(["ada", "bob", "eve"])
    services.library.recount = {"ada": 0, "bob": 3, "eve": None}.get
    counts = run(function, deep=True)
    assert (counts["recounted"], counts["miscounted"]) == (2, 3)
