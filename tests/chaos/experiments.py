"""All experiments by name, and the run of the whole set."""

from collections.abc import Callable, Iterable
from functools import partial

from tests.chaos import consent_races, job_storm, kills, outages, races, trash_races
from tests.chaos.experiment import Result
from tests.chaos.lab import Lab
from tests.chaos.round_trips import round_trips
from tests.chaos.works import KINDS

Experiments = dict[str, Callable[[Lab], Iterable[Result]]]

# Of the long set; a shorter one has as many times fewer as its `runs` are fewer.
_RUNS, _ROUNDS = 20, 50
_SHARES = (0.1, 0.5, 0.99)


def experiments(runs: int) -> Experiments:
    """Return every experiment, each `runs` times for each kind of fault in it."""
    rounds = max(2, _ROUNDS * runs // _RUNS)
    by_name: Experiments = {
        f"kills: {name}": partial(kills.killed_at_every_boundary, name=name, runs=runs)
        for name in KINDS
    }
    by_name |= {
        "kills: reconcile": partial(kills.reconcile_killed, kills=12 * runs),
        "outages: Storage": partial(
            outages.outages, name="Storage", kinds=outages.STORAGE, runs=runs
        ),
        "outages: Firestore": partial(
            outages.outages, name="Firestore", kinds=outages.FIRESTORE, runs=runs
        ),
        "outages: refused": partial(outages.refused, runs=runs),
        "races: one key": partial(races.one_key, rounds=rounds),
        "races: one name, two users": partial(races.one_name, rounds=runs),
        "races: one name, one user": partial(races.other_content, rounds=runs),
        "races: quota": partial(races.quota, rounds=max(2, runs // 2)),
        "races: deletes": partial(races.deletes_meet, runs=runs),
        "races: reconcile, slow saves": partial(races.reconcile_meets_slow_saves, runs=runs),
        "races: reconcile, late confirm": partial(races.reconcile_meets_held_confirm, runs=runs),
        "races: speech during replace": partial(races.speech_during_replace, runs=runs),
        "races: made anew": partial(races.made_anew, runs=runs),
        "races: restores of deleted": partial(trash_races.restores_meet, runs=runs),
        "races: restore, deleted and purged": partial(
            trash_races.purge_meets_held_restore, runs=runs
        ),
        "races: delete with generations": partial(
            trash_races.deletions_take_late_speech, runs=runs
        ),
        "races: withdrawal, speech": partial(consent_races.withdrawal_meets_speech, runs=runs),
        "planted": partial(races.planted, count=5),
        "jobs: storm": partial(job_storm.storm, count=10 * runs, seed=1),
    }
    for share in _SHARES:
        name = f"clients: gone at {share:.0%}"
        by_name[name] = partial(outages.gone_clients, runs=runs, share=share)
    return by_name


def run_all(runs: int, only: str, say: Callable[[str], None]) -> list[Result]:
    """Run those whose name contains `only`, one after another."""
    results: list[Result] = []
    with Lab() as lab:
        say(f"Logs of the functions: {lab.logs}")
        for counted in round_trips(lab):
            say(str(counted))
        for name, experiment in experiments(runs).items():
            if only not in name:
                continue
            say(f"{name} ...")
            for result in experiment(lab):
                say(f"  {_line(result)}")
                results.append(result)
    return results


def _line(result: Result) -> str:
    answers = ", ".join(f"{code}: {count}" for code, count in result.answers.items())
    wrong = f"{result.violations.total()} violations, " if result.failed else ""
    return f"{result.name}: {wrong}{result.runs} runs, {result.seconds:.1f} s ({answers})"
