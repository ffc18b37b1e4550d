"""The output of the worker in the forms that other workers of this kind give it."""

import base64
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import soundfile

_HUGE_BYTES = 30_000_000  # 40 MB as base64

Output = Mapping[str, Any]


def reshaped(
    result: Mapping[str, Any], form: str, publish: Callable[[bytes], str]
) -> Mapping[str, Any]:
    """Return a worker's result with its output in another form; errors stay as they are.

    `publish` puts audio at an address and returns it.
    """
    if form == "missing":
        # So it is at RunPod when a worker's output is larger than what it may return.
        return {}
    output = result.get("output", {})
    if output.get("status") != "success":
        return result
    if form == "audio_url":
        return {"output": {**_without_audio(output), "audio_url": publish(_audio(output))}}
    return {"output": _FORMS[form](output)}


def failure(message: str) -> dict[str, Any]:
    """Return what the SDK makes of a handler that raised."""
    facts = {
        "error_type": "<class 'RuntimeError'>",
        "error_message": message,
        "error_traceback": f"Traceback (most recent call last):\nRuntimeError: {message}\n",
        "hostname": "unknown",
        "worker_id": "unknown",
        "runpod_version": "1.12.0",
    }
    return {"error": json.dumps(facts)}


def _data_uri(output: Output) -> Any:
    return {**_without_audio(output), "audio": f"data:audio/wav;base64,{output['audio_base64']}"}


def _duration_s(output: Output) -> Any:
    """The audio, how long it is, and nothing else; a clone keeps its profile."""
    facts = output["metadata"]
    kept = {name: output[name] for name in ("profile_base64",) if name in output}
    duration_s = facts["audio_shape"][1] / facts["sample_rate"]
    return {"audio_base64": output["audio_base64"], "duration_s": duration_s, **kept}


def _nested(output: Output) -> Any:
    return {"output": output}


def _listed(output: Output) -> Any:
    return [output]


def _wrong_types(output: Output) -> Any:
    return {**output, "audio_base64": 12345, "metadata": ["no", "object"], "profile_base64": {}}


def _not_audio(output: Output) -> Any:
    return {**output, "audio_base64": base64.b64encode(b"<html>no audio</html>").decode()}


def _pickled(output: Output) -> Any:
    """A clone's profile as an object array, as real workers of this kind return it."""
    if "profile_base64" not in output:
        return output
    array = np.load(io.BytesIO(base64.b64decode(output["profile_base64"])), allow_pickle=False)
    file = io.BytesIO()
    holder = np.empty(1, dtype=object)
    holder[0] = {"embedding": array}
    np.save(file, holder, allow_pickle=True)
    return {**output, "profile_base64": base64.b64encode(file.getvalue()).decode()}


def _huge(output: Output) -> Any:
    samples, rate_hz = soundfile.read(io.BytesIO(_audio(output)), dtype="int16")
    file = io.BytesIO()
    longer = np.resize(samples, _HUGE_BYTES // 2)
    soundfile.write(file, longer, rate_hz, format="WAV", subtype="PCM_16")
    encoded = base64.b64encode(file.getvalue()).decode()
    facts = {**output["metadata"], "audio_shape": [1, len(longer)]}
    return {**output, "audio_base64": encoded, "metadata": facts}


def _audio(output: Output) -> bytes:
    return base64.b64decode(output["audio_base64"])


def _without_audio(output: Output) -> dict[str, Any]:
    return {name: value for name, value in output.items() if name != "audio_base64"}


_FORMS: Mapping[str, Callable[[Output], Any]] = {
    "data_uri": _data_uri,
    "duration_s": _duration_s,
    "nested": _nested,
    "list": _listed,
    "wrong_types": _wrong_types,
    "not_audio": _not_audio,
    "pickled": _pickled,
    "huge": _huge,
}
