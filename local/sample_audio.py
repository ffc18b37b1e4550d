"""A short WAV file to save as a voice."""

from pathlib import Path

from local.speech import synthesise

_SENTENCE = "This is a sample of my voice, recorded to try out Voxshelf on this machine."


def write_sample(path: Path) -> None:
    """Write a few seconds of speech. Raises SpeechFailed where there is no synthesiser."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(synthesise(_SENTENCE))
