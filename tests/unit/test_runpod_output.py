"""One parser for what workers of this kind return, whatever they return."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.errors import RunpodFailed
from voxshelf.core.runpod_output import read_output

AUDIO = "UklGRg=="
URL = "https://files.example/a.wav"
SAID = {"voice_id": "voice_ada", "text_input": "Words.", "sample_rate": 24000}


@pytest.mark.parametrize(
    "output",
    [
        {"status": "success", "audio_base64": AUDIO},
        {"audio": AUDIO},
        {"audio_data": AUDIO},
        {"wav_base64": AUDIO},
        {"audio": {"data": AUDIO}},
        {"audio": {"base64": AUDIO, "url": URL}},
        {"audio_base64": AUDIO, "audio": None},
        {"audio_base64": None, "audio": AUDIO},
        {"audio_base64": AUDIO, "audio_url": URL},
        {"output": {"audio": AUDIO}},
        {"output": {"output": {"audio": AUDIO}}},
        [{"audio": AUDIO}],
        [{"progress": 0.5}, {"audio": AUDIO}, {"progress": 1.0}],
        [{"output": {"audio": AUDIO}}],
        {"output": [{"audio": AUDIO}]},
        {"audio": AUDIO, "error": "a warning beside it"},
        {"audio": AUDIO, "error": None, "status": 200},
    ],
    ids=json.dumps,
)
def test_base64_is_found_wherever_it_stands(output):
    assert read_output(output) == {"audio_base64": AUDIO}


def test_a_data_uri_is_passed_on_to_the_reader_of_the_saves():
    uri = f"data:audio/wav;base64,{AUDIO}"
    assert read_output({"audio": uri}) == {"audio_base64": uri}


@pytest.mark.parametrize(
    "output",
    [
        {"audio_url": URL},
        {"audio": URL},
        {"audio": {"url": URL}},
        {"audio_base64": None, "audio_url": URL},
        {"output": [{"audio_url": URL}]},
    ],
    ids=json.dumps,
)
def test_an_address_is_told_from_base64(output):
    assert read_output(output) == {"audio_url": URL}


def test_an_address_without_tls_is_one_too_and_for_the_fetcher_to_refuse():
    assert read_output({"audio": "http://10.0.0.1/"}) == {"audio_url": "http://10.0.0.1/"}


@pytest.mark.parametrize(
    "output",
    [{"metadata": SAID, "audio": AUDIO}, {**SAID, "audio": AUDIO, "metadata": {"voice_id": "x"}}],
    ids=["beside", "within"],
)
def test_facts_stand_beside_the_audio_or_in_its_metadata(output):
    assert read_output(output) == {**SAID, "audio_base64": AUDIO}


def test_facts_have_other_names_too():
    said = {"name": "Ada", "text": "Words.", "duration_s": 1.5, "audio": AUDIO}
    assert read_output(said) == {"voice_name": "Ada", "text_input": "Words.", "audio_base64": AUDIO}


@pytest.mark.parametrize("name", ["profile_base64", "profile", "voice_profile"])
def test_a_profile_has_several_names(name):
    assert read_output({"audio": AUDIO, name: "gA=="})["profile_base64"] == "gA=="
    assert read_output({"audio": AUDIO, name: {"data": "gA=="}})["profile_base64"] == "gA=="
    assert "profile_base64" not in read_output({"audio": AUDIO, name: None})


def test_what_is_not_named_is_left_out():
    evil = {"replace": True, "audio_path": "uploads/x", "consent": {}, "tags": [], "uid": "bob"}
    assert read_output({**evil, "metadata": evil, "audio": AUDIO}) == {"audio_base64": AUDIO}


@pytest.mark.parametrize(
    "said",
    [
        {"voice_id": 7},
        {"text_input": ["a"]},
        {"sample_rate": "24000"},
        {"sample_rate": True},
        {"audio_shape": "1,2"},
        {"generation_time": {}},
        {"metadata": "none"},
        {"metadata": [1]},
    ],
    ids=json.dumps,
)
def test_facts_of_a_wrong_type_are_left_out(said):
    assert read_output({**said, "audio": AUDIO}) == {"audio_base64": AUDIO}


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"status": "error", "message": "No speech."}, "No speech."),
        ({"status": "Failed", "error": "No speech."}, "No speech."),
        ({"error": "No speech.\nat line 7"}, "No speech."),
        ({"status": "error", "audio": AUDIO}, "The worker failed without saying why."),
        ({"status": "error", "detail": "No speech."}, "No speech."),
        ({"output": {"status": "error", "message": "No speech."}}, "No speech."),
        ([{"audio": AUDIO}, {"error": "No speech."}], "No speech."),
        ({"status": "error", "message": "Traceback (most recent"}, "The worker failed without"),
        ({"error": {"type": "x"}}, "The worker failed without"),
        ({"error": "x" * 1000}, "x" * 300),
    ],
    ids=str,
)
def test_a_failure_inside_is_raised_with_its_message(output, message):
    with pytest.raises(RunpodFailed) as failed:
        read_output(output)
    assert failed.value.message.startswith(message)
    assert len(failed.value.message) <= 300


@pytest.mark.parametrize(
    "output",
    [
        None,
        "text",
        7,
        [],
        {},
        [None, 1],
        {"audio": 5},
        {"audio": ""},
        {"audio": [0.1]},
        {"audio": {}},
        {"audio": {"url": 5}},
        {"audio_url": None},
        {"output": {}},
    ],
    ids=repr,
)
def test_no_audio_is_a_failure_too(output):
    with pytest.raises(RunpodFailed, match="no audio"):
        read_output(output)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "audio",
                    "audio_url",
                    "audio_base64",
                    "output",
                    "status",
                    "error",
                    "message",
                    "metadata",
                    "profile",
                    "text",
                    "voice_id",
                    "url",
                    "data",
                ]
            ),
            values,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_whatever_a_worker_returns_is_read_or_refused(output):
    try:
        fields = read_output(output)
    except RunpodFailed:
        return
    assert ("audio_base64" in fields) != ("audio_url" in fields)
    assert all(value is not None for value in fields.values())


def test_depth_does_not_exhaust_the_stack():
    output = {"audio": AUDIO}
    for _ in range(100_000):
        output = {"output": [output]}
    with pytest.raises(RunpodFailed):
        read_output(output)
