"""One first deploy for all tests that start from a deployed project."""

import pytest

from local.rehearsal.player import Player
from local.rehearsal.scenarios import FIRST


@pytest.fixture(scope="session")
def player(tmp_path_factory):
    return Player(tmp_path_factory.mktemp("rehearsal"))


@pytest.fixture(scope="session")
def first(player):
    return player.play_one(FIRST)


@pytest.fixture
def deployed(player, first):
    assert player.deployed is not None, first.problems
    return player.deployed
