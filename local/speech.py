"""Real speech without a model: eSpeak NG, through ctypes.

espeakng-loader (PyPI) carries the library and its voices for Linux, macOS and Windows, so
test audio is speech and nothing has to be downloaded or recorded from a person. Constants
and signatures are those of eSpeak NG's `speak_lib.h`.
"""

import ctypes
import functools
import io
import threading
import wave

import espeakng_loader

SAMPLE_RATE_HZ = 22_050

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback, before synth returns
_UTF8 = 1  # espeakCHARS_UTF8
_RATE, _PITCH = 1, 3  # espeakRATE in words a minute, espeakPITCH from 0 to 100
_POSITION_CHARACTER = 1

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)

# The library keeps one voice, one callback and one output per process.
_lock = threading.Lock()


class SpeechFailed(Exception):
    """eSpeak NG refused a call; the text names which."""


def synthesise(text: str, *, pitch: int = 50, words_per_minute: int = 165) -> bytes:
    """Speak English text; return a WAV file, 22,050 Hz, 16 bit, mono.

    Raises:
        SpeechFailed: when the library cannot be loaded or refuses the text.
    """
    samples = bytearray()

    @_Callback  # type: ignore[untyped-decorator]
    def collect(block: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if block and count > 0:
            samples.extend(ctypes.string_at(block, count * ctypes.sizeof(ctypes.c_short)))
        return 0

    encoded = text.encode() + b"\0"
    with _lock:
        library = _library()
        library.espeak_SetSynthCallback(collect)
        _check("espeak_SetParameter", library.espeak_SetParameter(_PITCH, pitch, 0))
        _check("espeak_SetParameter", library.espeak_SetParameter(_RATE, words_per_minute, 0))
        _check(
            "espeak_Synth",
            library.espeak_Synth(
                encoded, len(encoded), 0, _POSITION_CHARACTER, 0, _UTF8, None, None
            ),
        )
        _check("espeak_Synchronize", library.espeak_Synchronize())
    return _wav(bytes(samples))


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    data_path = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data_path, 0)
    if rate != SAMPLE_RATE_HZ:
        raise SpeechFailed(f"espeak_Initialize answered {rate}")
    _check("espeak_SetVoiceByName", library.espeak_SetVoiceByName(b"en"))
    return library


def _check(call: str, result: int) -> None:
    if result != 0:
        raise SpeechFailed(f"{call} answered {result}")


def _wav(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE_HZ)
        writer.writeframes(samples)
    return file.getvalue()
