"""The real functions on services in memory, as a source for functions-framework."""

from main import tts_save, voices_save
from tests.fakes.services import MemoryServices
from voxshelf import wiring
from voxshelf.adapters.isolated_audio import IsolatedAudio

__all__ = ["tts_save", "voices_save"]

wiring.use(MemoryServices(inspect_audio=IsolatedAudio(print)))
