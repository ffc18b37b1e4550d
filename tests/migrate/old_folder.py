"""An old local folder, made file by file."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.sounds import npy, wav


@dataclass
class OldFolder:
    """Writes files under the names of the old layout; `uid` is the level below each kind."""

    root: Path
    uid: str = ""

    def put(self, kind, name, data):
        path = self.root / kind / self.uid / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def sample(self, voice, stamp="20250101_120000", *, seed=0, facts=None, data=None):
        name = f"voice_{voice}_sample_{stamp}"
        self._facts("voice_samples", name, facts)
        data = wav(1.0, seed=seed) if data is None else data
        return self.put("voice_samples", f"{name}.wav", data)

    def profile(self, voice, stamp=None, *, data=None):
        name = f"voice_{voice}.npy" if stamp is None else f"voice_{voice}_{stamp}.npy"
        return self.put("voice_profiles", name, npy() if data is None else data)

    def generation(self, voice, stamp="20250102_130000", *, seed=0, facts=None, data=None):
        name = f"TTS_voice_{voice}_{stamp}"
        self._facts("tts_generations", name, facts)
        data = wav(0.3, seed=seed) if data is None else data
        return self.put("tts_generations", f"{name}.wav", data)

    def _facts(self, kind, name, facts):
        if facts is not None:
            data = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
            self.put(kind, f"{name}.json", data)


def long_wav():
    """More than fits into a request: nine minutes, one second again and again."""
    second = wav(1.0)
    head, frames = bytearray(second[:44]), second[44:] * 540
    head[4:8] = (len(frames) + 36).to_bytes(4, "little")
    head[40:44] = len(frames).to_bytes(4, "little")
    return bytes(head) + frames
