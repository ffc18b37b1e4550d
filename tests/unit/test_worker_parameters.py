"""Which parameters a site passes on to its workers, as its operator says."""

import pytest

from voxshelf.core.worker_parameters import DEFAULT_PARAMETERS, allowed_parameters
from voxshelf.settings_runpod import RunpodSettings

REAL = {
    "RUNPOD_API_KEY": "key",
    "PUBLIC_BASE_URL": "https://app.example",
    "RUNPOD_CLONE_ENDPOINT": "c",
    "RUNPOD_SPEECH_ENDPOINT": "s",
}


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("", DEFAULT_PARAMETERS),
        (" , ", DEFAULT_PARAMETERS),
        ("mood", {"mood"}),
        (" mood ,speed", {"mood", "speed"}),
        ("+mood", {*DEFAULT_PARAMETERS, "mood"}),
        ("+mood, + tone", {*DEFAULT_PARAMETERS, "mood", "tone"}),
        ("mood,+tone", {"mood", "tone"}),
        ("mood,audio_url,+profile,Speaker_WAV", {"mood"}),
        ("+", DEFAULT_PARAMETERS),
    ],
)
def test_a_list_stands_instead_of_the_usual_names_and_a_plus_adds_to_them(setting, names):
    assert allowed_parameters(setting) == names
    settings = RunpodSettings.read({**REAL, "RUNPOD_PARAMETERS": setting})
    assert settings.policy.parameters == names


def test_none_of_the_usual_names_loads_anything():
    assert allowed_parameters(",".join(DEFAULT_PARAMETERS)) == DEFAULT_PARAMETERS
    assert RunpodSettings.read(REAL).policy.parameters == DEFAULT_PARAMETERS
