"""The worker: clones a voice, or speaks with one, as `contract.md` 10 has it.

In the form of RunPod's worker SDK, which runs this module unchanged:

    python -m local.runpod.handler --test_input '{"input": {"text": "Hello", ...}}'

An input with audio is a clone, one with text is speech. What the input gets wrong is answered
as `{"status": "error", "message": ...}` inside a completed job.
"""

import base64
import binascii
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from local.runpod.voice import Profile, Samples, VoiceUnusable, measured, spoken, wav
from local.speech import SAMPLE_RATE_HZ

TEMPLATE = (
    "This is my voice. I lend it to the shelf, so that it is there tomorrow, "
    "on any device, and for nobody but me."
)
_METHOD = "espeak-ng"
_FETCH_TIMEOUT_S = 30.0
_MAX_FETCHED_BYTES = 200 * 1024 * 1024

Input = Mapping[str, Any]


def handler(job: Mapping[str, Any]) -> dict[str, Any]:
    """Do one job and return its output."""
    request: Input = job["input"]
    try:
        return _done(request)
    except VoiceUnusable as problem:
        return {"status": "error", "message": str(problem)}


def _done(request: Input) -> dict[str, Any]:
    if request.get("responseFormat", "base64") != "base64":
        raise VoiceUnusable("responseFormat must be base64.")
    if "audio_data" in request or "audio_url" in request:
        return _clone(request)
    if "text" in request:
        return _speak(request)
    raise VoiceUnusable("The input has neither audio nor text.")


def _clone(request: Input) -> dict[str, Any]:
    started = time.perf_counter()
    name = _text(request, "name")
    profile = measured(_reference(request))
    template = str(request.get("template_message") or TEMPLATE)
    samples = spoken(template, profile)
    return {
        "status": "success",
        "message": f"Voice {name} cloned.",
        "audio_base64": _encoded(wav(samples)),
        "profile_base64": _encoded(profile.npy()),
        "metadata": {
            **_audio_facts(samples, started),
            "voice_id": request.get("voice_id") or f"voice_{_slug(name)}",
            "voice_name": name,
            "template_message": template,
        },
    }


def _speak(request: Input) -> dict[str, Any]:
    started = time.perf_counter()
    text = _text(request, "text")
    voice_id = _text(request, "voice_id")
    profile = Profile.read(_decoded(request, "profile_base64"))
    samples = spoken(text, profile, speed=_speed(request))
    return {
        "status": "success",
        "audio_base64": _encoded(wav(samples)),
        "metadata": {
            **_audio_facts(samples, started),
            "voice_id": voice_id,
            "voice_name": request.get("voice_name") or voice_id.removeprefix("voice_"),
            "text_input": text,
        },
    }


def _audio_facts(samples: Samples, started: float) -> dict[str, Any]:
    return {
        "sample_rate": SAMPLE_RATE_HZ,
        "audio_shape": [1, len(samples)],
        "generation_method": _METHOD,
        "generation_time": round(time.perf_counter() - started, 4),
        "timestamp": datetime.now(UTC).strftime("%Y%m%d_%H%M%S"),
    }


def _reference(request: Input) -> bytes:
    if "audio_data" in request:
        return _decoded(request, "audio_data")
    audio = bytearray()
    try:
        url = _text(request, "audio_url")
        with httpx.stream("GET", url, timeout=_FETCH_TIMEOUT_S, trust_env=False) as answer:
            answer.raise_for_status()
            for block in answer.iter_bytes():
                audio += block
                if len(audio) > _MAX_FETCHED_BYTES:
                    raise VoiceUnusable("The reference audio is too large.")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise VoiceUnusable("The reference audio cannot be fetched.") from error
    return bytes(audio)


def _text(request: Input, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value.strip():
        raise VoiceUnusable(f"{name} is missing.")
    return value


def _decoded(request: Input, name: str) -> bytes:
    try:
        return base64.b64decode(_text(request, name), validate=True)
    except binascii.Error as error:
        raise VoiceUnusable(f"{name} is no base64.") from error


def _speed(request: Input) -> float:
    speed = request.get("speed", 1.0)
    if isinstance(speed, bool) or not isinstance(speed, int | float):
        raise VoiceUnusable("speed must be a number.")
    return float(speed)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_") or "unnamed"


if __name__ == "__main__":
    import runpod  # type: ignore[import-untyped]

    runpod.serverless.start({"handler": handler})
