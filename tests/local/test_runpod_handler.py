"""The worker: what it measures is what it speaks, and RunPod's own SDK runs it unchanged."""

import base64
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from local.layout import ROOT
from local.ports import HOST
from local.runpod.handler import TEMPLATE, handler
from local.runpod.process import running
from local.runpod.voice import Profile, measured, measured_pitch_hz
from local.speech import synthesise

RATE_HZ = 24_000
# Wherever a process of the SDK connects, its name is written down.
AUDIT = """
import os, sys
def note(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        with open(os.environ["AUDIT_FILE"], "a") as file:
            file.write(f"{event} {arguments}\\n")
sys.addaudithook(note)
"""


def hummed(pitch_hz: float, duration_s: float = 2.0) -> bytes:
    """A voice of eight harmonics in four syllables a second."""
    times = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * pitch_hz * n * times) / n for n in range(1, 9))
    loud = np.where((times * 4) % 1 < 0.7, 0.15, 0.0)
    file = io.BytesIO()
    soundfile.write(file, tone * loud, RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def clone(audio: bytes, **more) -> dict:
    return handler({"input": {"name": "Ann Lee", "audio_data": encoded(audio), **more}})


def speak(profile: str, **more) -> dict:
    given = {"text": "Some words, spoken.", "voice_id": "voice_ann", "profile_base64": profile}
    return handler({"input": given | more})


def pitch_hz(output: dict) -> float:
    samples, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(output["audio_base64"])))
    found = measured_pitch_hz(samples, rate_hz)
    assert found is not None
    return found


@pytest.mark.parametrize("expected_hz", [80, 120, 180, 250, 330])
def test_pitch_is_measured_within_two_percent(expected_hz) -> None:
    assert measured(hummed(expected_hz)).pitch_hz == pytest.approx(expected_hz, rel=0.02)


def test_level_and_rate_are_measured() -> None:
    loud, quiet = hummed(120), io.BytesIO()
    samples, rate_hz = soundfile.read(io.BytesIO(loud))
    soundfile.write(quiet, samples / 10, rate_hz, format="WAV")

    one, other = measured(loud), measured(quiet.getvalue())

    assert one.level_dbfs - other.level_dbfs == pytest.approx(20, abs=0.5)
    assert one.syllables_per_s == pytest.approx(4, abs=0.6)


def test_clone_answers_as_the_contract_has_it() -> None:
    output = clone(hummed(120), audio_format="wav", responseFormat="base64")

    audio = soundfile.info(io.BytesIO(base64.b64decode(output["audio_base64"])))
    facts = output["metadata"]
    assert output["status"] == "success"
    assert (facts["voice_id"], facts["voice_name"]) == ("voice_ann_lee", "Ann Lee")
    assert facts["template_message"] == TEMPLATE
    assert (facts["sample_rate"], facts["audio_shape"]) == (audio.samplerate, [1, audio.frames])
    assert facts.keys() >= {"generation_method", "generation_time", "timestamp"}


def test_profile_is_a_plain_float32_file() -> None:
    profile = base64.b64decode(clone(hummed(120))["profile_base64"])

    array = np.load(io.BytesIO(profile), allow_pickle=False)

    assert array.dtype == np.float32
    assert Profile.read(profile).npy() == profile


def test_higher_reference_gives_a_higher_sample_and_higher_speech() -> None:
    clones = [clone(hummed(pitch)) for pitch in (90, 140, 220)]
    speeches = [speak(each["profile_base64"]) for each in clones]

    for outputs in (clones, speeches):
        low, middle, high = (pitch_hz(each) for each in outputs)
        assert low * 1.1 < middle < high / 1.1


def test_three_voices_stay_apart_through_cloning_and_speech() -> None:
    voices = [synthesise(TEMPLATE, pitch=pitch) for pitch in (10, 50, 95)]
    profiles = [measured(voice) for voice in voices]
    samples = [clone(voice) for voice in voices]
    speeches = [speak(each["profile_base64"]) for each in samples]
    order = sorted(range(3), key=lambda number: profiles[number].pitch_hz)

    assert sorted(range(3), key=lambda number: pitch_hz(samples[number])) == order
    assert sorted(range(3), key=lambda number: pitch_hz(speeches[number])) == order
    assert len({each["profile_base64"] for each in samples}) == 3


def test_speech_follows_speed_and_the_rate_of_the_voice() -> None:
    voice = measured(hummed(120))
    hurried = Profile(voice.pitch_hz, voice.level_dbfs, 7.0, voice.bands_db)
    profile, fast = encoded(voice.npy()), encoded(hurried.npy())

    frames = speak(profile)["metadata"]["audio_shape"][1]

    assert speak(profile, speed=1.5)["metadata"]["audio_shape"][1] < frames * 0.8
    assert speak(fast)["metadata"]["audio_shape"][1] < frames * 0.9


def test_reference_may_be_an_address() -> None:
    with running() as stand_in:
        body = {"input": {"name": "Ann", "audio_data": encoded(hummed(120))}}
        body["input"]["_fault"] = {"output": "audio_url"}
        answer = httpx.post(
            f"{stand_in.base_url}/clone/runsync", json=body, headers=stand_in.headers, timeout=30
        )
        url = answer.json()["output"]["audio_url"]

        output = handler({"input": {"name": "Bea", "audio_url": url}})

    assert output["metadata"]["voice_id"] == "voice_bea"


def pickled_profile() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{"embedding": 1}], dtype=object), allow_pickle=True)
    return file.getvalue()


VOICE = hummed(120)
PROFILE = encoded(measured(VOICE).npy())
ZEROS = encoded(np.zeros(8, dtype="f4").tobytes())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "neither audio nor text"),
        ({"name": "A", "audio_data": "not base64!"}, "audio_data is no base64"),
        ({"name": "A", "audio_data": encoded(b"<html>")}, "cannot be read"),
        ({"name": "A", "audio_data": encoded(hummed(120, 0.01))}, "no voice"),
        ({"audio_data": encoded(VOICE)}, "name is missing"),
        ({"name": "A", "audio_url": f"http://{HOST}:9/none.wav"}, "cannot be fetched"),
        ({"name": "A", "audio_url": "no address"}, "cannot be fetched"),
        ({"text": " ", "voice_id": "v", "profile_base64": PROFILE}, "text is missing"),
        ({"text": "a", "voice_id": "v"}, "profile_base64 is missing"),
        ({"text": "a", "voice_id": "v", "profile_base64": ZEROS}, "no plain .npy"),
        (
            {"text": "a", "voice_id": "v", "profile_base64": encoded(pickled_profile())},
            "no plain .npy",
        ),
        ({"text": "a", "voice_id": "v", "profile_base64": PROFILE, "speed": "2"}, "a number"),
        ({"text": "a", "voice_id": "v", "responseFormat": "url"}, "must be base64"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_input_is_an_error_inside_the_output(given, message) -> None:
    output = handler({"input": given})

    assert output["status"] == "error"
    assert message in output["message"]


def test_pickled_profile_runs_no_code(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    file = io.BytesIO()
    np.save(file, np.array([Trap()], dtype=object), allow_pickle=True)

    assert speak(encoded(file.getvalue()))["status"] == "error"
    assert not (tmp_path / "ran").exists()


def sdk_environ(folder: Path) -> dict[str, str]:
    """The environment of a worker: nothing of RunPod's or of a stack's, and an audit."""
    folder.joinpath("sitecustomize.py").write_text(AUDIT)
    own = {name: text for name, text in os.environ.items() if not name.startswith("RUNPOD_")}
    path = f"{folder}{os.pathsep}{ROOT}"
    return own | {"PYTHONPATH": path, "AUDIT_FILE": str(folder / "audit"), "HOME": str(folder)}


@pytest.fixture
def sdk_server(tmp_path: Path) -> Iterator[str]:
    """RunPod's SDK, serving our handler by its local API: its address."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "local.runpod.handler", "--rp_serve_api"]
    command += ["--rp_api_host", HOST, "--rp_api_port", str(port)]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=sdk_environ(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield f"http://{HOST}:{port}"
        finally:
            process.terminate()


def posted(url: str, body: dict, **headers: str) -> dict:
    """Post until the server listens; the JSON of its answer."""
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False)
            return answer.raise_for_status().json()
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def shape(value: object) -> object:
    """The names and types of a JSON value."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return type(value).__name__


def test_sdk_gives_the_same_output_as_the_stand_in(sdk_server: str) -> None:
    voice = {"name": "Ann", "audio_data": encoded(VOICE), "audio_format": "wav"}
    speech = {"text": "Hello.", "voice_id": "voice_ann", "profile_base64": PROFILE}
    wrong = {"text": "Hello.", "voice_id": "voice_ann", "profile_base64": "?"}
    with running() as stand_in:
        for endpoint, given in (("clone", voice), ("speech", speech), ("speech", wrong)):
            ours = posted(
                f"{stand_in.base_url}/{endpoint}/runsync", {"input": given}, **stand_in.headers
            )
            theirs = posted(f"{sdk_server}/runsync", {"input": given})

            assert ours["status"] == theirs["status"] == "COMPLETED"
            assert shape(ours["output"]) == shape(theirs["output"])
            assert ours["output"].get("audio_base64") == theirs["output"].get("audio_base64")


def test_sdk_runs_the_handler_by_test_input_and_calls_nobody(tmp_path: Path) -> None:
    given = {"input": {"text": "Hello.", "voice_id": "voice_ann", "profile_base64": PROFILE}}
    command = [sys.executable, "-m", "local.runpod.handler", "--test_input", json.dumps(given)]

    run = subprocess.run(
        command,
        cwd=tmp_path,
        env=sdk_environ(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "completed successfully" in run.stdout
    assert not (tmp_path / "audit").exists()
