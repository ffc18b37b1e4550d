import os

import pytest

from local.story import Story

pytestmark = [pytest.mark.emulator, pytest.mark.slow]


def test_the_whole_story_is_as_promised():
    story = Story(os.environ["VOXSHELF_SITE_URL"], os.environ["FIREBASE_AUTH_EMULATOR_HOST"])
    titles = [step.title for step in story.steps()]
    assert len(titles) == 19
