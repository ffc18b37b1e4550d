"""The real CLI deploys to the stand-in: the scenarios that take seconds."""

import pytest

from local.rehearsal.scenarios import SHORT

pytestmark = pytest.mark.slow


def test_the_documented_first_deploy_goes_live_and_asks_nothing(first):
    assert first.problems == ()
    assert (first.outside, first.questions) == (0, 0)


@pytest.mark.parametrize("scenario", SHORT, ids=lambda scenario: scenario.name)
@pytest.mark.usefixtures("deployed")
def test_a_scenario_comes_out_as_it_should(player, scenario):
    outcome = player.play_one(scenario)
    assert outcome.problems == ()
    assert (outcome.outside, outcome.questions) == (0, 0)
