"""What workers return, in the many shapes that they return it in, read as one.

Workers of this kind answer `audio_base64` or `audio` (base64 or a `data:` URI) or `audio_url`;
some put the facts beside the audio and some into `metadata`; streaming ones answer a list of
pieces, some wrap the result in `output` once more. A failure may sit inside a job that has
completed. What is not named here is left out: a worker's answer is a stranger's text.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from voxshelf.core.errors import RunpodFailed

_MAX_WRAPPING = 4
_MAX_MESSAGE_CHARACTERS = 300
_AUDIO = ("audio_base64", "audio", "audio_data", "wav_base64", "audio_url")
_PROFILE = ("profile_base64", "profile", "voice_profile")
# The facts that the saves know, by the type that each must have, with other names for it.
_FACTS: Mapping[str, tuple[type, tuple[str, ...]]] = {
    "voice_id": (str, ()),
    "voice_name": (str, ("name",)),
    "template_message": (str, ()),
    "text_input": (str, ("text",)),
    "language": (str, ()),
    "timestamp": (str, ()),
    "generation_time": (float, ()),
    "sample_rate": (float, ()),
    "audio_shape": (list, ()),
}


def read_output(output: Any) -> dict[str, Any]:
    """Return a worker's result under the names of the saves.

    Of `audio_base64` and `audio_url` just one is there; `profile_base64` and facts may be.

    Raises:
        RunpodFailed: when it is a failure, with the worker's own message, or no result at all.
    """
    pieces = list(_pieces(output, _MAX_WRAPPING))
    for piece in pieces:
        if _is_error(piece):
            raise RunpodFailed(_message(piece))
    # A streaming worker's last piece with sound is the whole of it.
    for piece in reversed(pieces):
        audio = _audio(piece)
        if audio is not None:
            return {**_facts(piece), **audio, **_profile(piece)}
    raise RunpodFailed("The worker returned no audio.")


def _pieces(output: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth == 0:
        return
    if isinstance(output, list):
        for item in output:
            yield from _pieces(item, depth - 1)
    elif isinstance(output, Mapping):
        yield output
        yield from _pieces(output.get("output"), depth - 1)


def _is_error(piece: Mapping[str, Any]) -> bool:
    status = piece.get("status")
    told = isinstance(status, str) and status.lower() in {"error", "failed"}
    return told or (bool(piece.get("error")) and _audio(piece) is None)


def _message(piece: Mapping[str, Any]) -> str:
    for name in ("message", "error", "detail"):
        text = piece.get(name)
        if isinstance(text, str) and text.strip():
            line = text.strip().splitlines()[0]
            if "Traceback" not in line:
                return line[:_MAX_MESSAGE_CHARACTERS]
    return "The worker failed without saying why."


def _audio(piece: Mapping[str, Any]) -> dict[str, str] | None:
    for name in _AUDIO:
        value = piece.get(name)
        if isinstance(value, Mapping):
            # `{"audio": {"url": ...}}` and `{"audio": {"data": ...}}`
            value = value.get("base64") or value.get("data") or value.get("url")
        if isinstance(value, str) and value:
            is_address = name == "audio_url" or value.startswith(("https://", "http://"))
            return {"audio_url" if is_address else "audio_base64": value}
    return None


def _profile(piece: Mapping[str, Any]) -> dict[str, str]:
    for name in _PROFILE:
        value = piece.get(name)
        if isinstance(value, Mapping):
            value = value.get("base64") or value.get("data")
        if isinstance(value, str) and value:
            return {"profile_base64": value}
    return {}


def _facts(piece: Mapping[str, Any]) -> dict[str, Any]:
    metadata = piece.get("metadata")
    said = {**(metadata if isinstance(metadata, Mapping) else {}), **piece}
    facts = {}
    for name, (kind, others) in _FACTS.items():
        for candidate in (name, *others):
            value = said.get(candidate)
            number = kind is float and isinstance(value, int) and not isinstance(value, bool)
            if isinstance(value, kind) or number:
                facts[name] = value
                break
    return facts
