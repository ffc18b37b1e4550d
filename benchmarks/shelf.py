"""One user's library to measure on, made by the functions themselves."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import api, recordings
from benchmarks.client import Request
from benchmarks.servers import Backends, serving
from local.auth_emulator import User, sign_up

GENERATIONS = 100
SAMPLE_S = 30
_SHORT_S = 1


@dataclass(frozen=True)
class Shelf:
    """A user, a voice of his, and the files that are saved again and again."""

    user: User
    voice_id: str
    audio: bytes
    profile: bytes

    def new_voice(self, name: str) -> Request:
        """A save of the sample and the profile under this name."""
        return api.save_voice(name, self.audio, self.profile)

    def new_speech(self, text: str) -> Request:
        """A save of the audio as speech of the voice."""
        return api.save_speech(self.voice_id, text, self.audio)


def stocked(backends: Backends, generations: int, say: Callable[[str], None]) -> Shelf:
    """Make a user with one voice and so many generations.

    It also warms the emulators up, whose first requests are slow.
    """
    say(f"Saving a library of {generations} generations ...")
    email = f"bench-{secrets.token_hex(4)}@voxshelf.example"
    user = sign_up(backends.auth, email, secrets.token_urlsafe())
    audio, profile = recordings.recording(SAMPLE_S), recordings.profile()
    short = recordings.recording(_SHORT_S)
    environ = backends.function_environ()
    with serving("voices_save", environ) as server:
        request = api.save_voice("The benchmark's voice", short, profile)
        voice_id: str = server.client(user.id_token).object(request, 201)["voice_id"]
    with serving("tts_save", environ) as server:
        client = server.client(user.id_token)
        for number in range(generations):
            client.send(api.save_speech(voice_id, f"Sentence number {number}.", short), 201)
    return Shelf(user, voice_id, audio, profile)
