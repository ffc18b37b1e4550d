"""The layer is there whole, or not at all."""

import os

import pytest

from local.layout import StateFolder
from tests.deployed.layer import LayerFailed, installed_layer


def test_an_install_that_fails_says_why_and_leaves_nothing_behind(tmp_path):
    nowhere = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    with pytest.raises(LayerFailed, match="No matching distribution"):
        installed_layer(StateFolder(tmp_path), {**os.environ, **nowhere})
    assert list((tmp_path / "layers").iterdir()) == []
