"""A few runs of each kind of experiment; `python -m tests.chaos` runs them all, many times."""

import pytest

from tests.chaos import consent_races, kills, outages, races, trash_races
from tests.chaos.report import table

pytestmark = [pytest.mark.emulator, pytest.mark.slow]

# Those that wait for no timeout of a client library.
QUICK = {
    "upload reset in the middle",
    "upload cut in the middle",
    "upload answered 503 once",
    "upload's answer lost",
    "both uploads' answers lost",
    "removal's answer lost",
    "unavailable at reserve",
    "unavailable at confirm, replace",
    "5 aborted at reserve",
    "reserve's answer lost",
    "reserve's answer lost, speech",
    "confirm's answer lost",
    "confirm's answer lost, speech",
    "confirm's answer lost, replace",
    "delete: first commit's answer lost",
    "delete: first commit's answer lost, speech",
    "delete with generations: every commit's answer lost",
    "restore: commit's answer lost",
    "restore: aborted",
}


def nothing_is_wrong(results):
    results = list(results)
    assert results
    assert not any(result.failed for result in results), f"\n{table(results)}"


def test_dying_at_any_boundary_and_reconcile_dying_too_leaves_nothing_wrong(lab):
    nothing_is_wrong(kills.reconcile_killed(lab, kills=4))


def test_failing_services_leave_nothing_wrong(lab):
    kinds = [kind for kind in (*outages.STORAGE, *outages.FIRESTORE) if kind.name in QUICK]
    assert len(kinds) == len(QUICK)
    nothing_is_wrong(outages.outages(lab, "outages", kinds, runs=1))


@pytest.mark.parametrize(
    "race",
    [
        races.one_key,
        races.one_name,
        races.other_content,
        races.quota,
        races.deletes_meet,
        races.made_anew,
        races.speech_during_replace,
        trash_races.restores_meet,
        trash_races.purge_meets_held_restore,
        trash_races.deletions_take_late_speech,
        consent_races.withdrawal_meets_speech,
    ],
)
def test_works_that_meet_leave_nothing_wrong(lab, race):
    nothing_is_wrong(race(lab, 2))


def test_planted_orphans_are_found_in_both_directions_and_nothing_else(lab):
    nothing_is_wrong(races.planted(lab, 2))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_client_that_goes_leaves_nothing_wrong(lab, share):
    nothing_is_wrong(outages.gone_clients(lab, 1, share))
