"""Audio measured by libsndfile, through soundfile.

Nothing reaches the library that is not recognised from its first bytes and whose structure has
not been read here (`core.containers`), and nothing is decoded whose declared facts are outside
the limits. Decoding goes in blocks of a fixed size, so memory does not grow with duration.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from voxshelf.adapters.cpu_allowance import UNLIMITED, CpuAllowance
from voxshelf.adapters.excerpt import Excerpt
from voxshelf.core.audio import (
    MAX_PEAKS,
    SIGNATURE_BYTES,
    AudioFacts,
    AudioFormat,
    AudioLimits,
    Loudness,
    recognise,
)
from voxshelf.core.containers import flac, mp3, ogg, wav
from voxshelf.core.containers.track import Track
from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidAudio, UnsupportedMediaType
from voxshelf.core.quality import SILENCE_DBFS, dbfs

Samples = npt.NDArray[np.float32]

_BLOCK_FRAMES = 65_536
# Levels are taken over slices of 20 ms, the usual frame of speech analysis; of long audio
# over longer ones, so that there are never more than this many.
_SLICE_S = 0.02
_MAX_SLICES = 20_000
# A sample within 0.1 % of full scale is taken as clipped: converters saturate there.
_CLIPPED = 0.999
# Four hours of 48 kHz stereo. Nothing that can be sent as WAV or MP3 comes near; a small FLAC
# file of long frames of one value could otherwise keep the decoder busy for minutes.
_MAX_SAMPLES = 4 * 3600 * 48_000 * 2
# The smallest encodings of digital silence come to 400 samples a byte, those of the quietest
# speech to 100 (Opus at 6 kbit/s: 64).
_MAX_SAMPLES_PER_BYTE = 500

_READERS: dict[AudioFormat, Callable[[BinaryIO, int], Track]] = {
    AudioFormat.WAV: wav.read_track,
    AudioFormat.FLAC: flac.read_track,
    AudioFormat.OGG: ogg.read_track,
    AudioFormat.MP3: mp3.read_track,
}
_SUBTYPES = {
    AudioFormat.WAV: {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"},
    AudioFormat.FLAC: {"PCM_S8", "PCM_16", "PCM_24"},
    AudioFormat.OGG: {"VORBIS", "OPUS"},
    AudioFormat.MP3: {"MPEG_LAYER_III"},
}


def inspect_audio(
    content: Content, limits: AudioLimits, cpu: CpuAllowance = UNLIMITED
) -> AudioFacts:
    """Decode and measure.

    Raises:
        UnsupportedMediaType, InvalidAudio: see `AudioInspector`.
        CpuUsedUp: it takes more than the allowance.
    """
    stream = content.rewound()
    audio_format = recognise(stream.read(SIGNATURE_BYTES))
    if audio_format is None:
        raise UnsupportedMediaType(
            "The audio is none of the formats that are kept: WAV, FLAC, OGG (Vorbis, Opus), MP3."
        )
    # Its structure is read from pieces of some bytes; the decoder's own reads are not watched, as
    # an exception does not come through C.
    track = _READERS[audio_format](cpu.watching(stream), content.size_bytes)
    _check_declared(track, content.size_bytes, limits)
    cpu.check(samples=track.frames * track.channels)
    try:
        with _opened(stream, track) as sound:
            if sound.subtype not in _SUBTYPES[audio_format]:
                raise UnsupportedMediaType(
                    f"This encoding of {audio_format.name} is not kept; save it as 16-bit PCM."
                )
            levels = _measure(sound, track, cpu)
            rate, channels = sound.samplerate, sound.channels
    except (soundfile.SoundFileError, RuntimeError, ValueError, MemoryError) as error:
        raise InvalidAudio(f"The {limits.noun} is damaged: it cannot be decoded.") from error
    # A stream may begin later than at 0 and so be shorter than it declares.
    limits.check(duration_s=levels.frames / rate, sample_rate_hz=rate, channels=channels)
    return AudioFacts(
        format=audio_format,
        size_bytes=content.size_bytes,
        sha256=content.sha256,
        duration_s=round(levels.frames / rate, 6),
        frames=levels.frames,
        sample_rate_hz=rate,
        channels=channels,
        peaks=_waveform(levels.peaks),
        loudness=_loudness(levels),
    )


def _check_declared(track: Track, size_bytes: int, limits: AudioLimits) -> None:
    limits.check(
        duration_s=track.duration_s,
        sample_rate_hz=track.sample_rate_hz,
        channels=track.channels,
    )
    samples = track.frames * track.channels
    if samples > min(_MAX_SAMPLES, _MAX_SAMPLES_PER_BYTE * size_bytes):
        raise InvalidAudio(f"The {limits.noun} takes too long to decode for what it holds.")


def _opened(stream: BinaryIO, track: Track) -> soundfile.SoundFile:
    excerpt = Excerpt(stream, track.head, track.start, track.end)
    if track.raw_encoding is None:
        return soundfile.SoundFile(excerpt)
    return soundfile.SoundFile(
        excerpt,
        format="RAW",
        subtype=track.raw_encoding,
        endian="LITTLE",
        samplerate=track.sample_rate_hz,
        channels=track.channels,
    )


@dataclass(frozen=True, slots=True)
class _Levels:
    """Per slice: the largest absolute sample and the mean square; over all: clipped samples."""

    frames: int
    peaks: npt.NDArray[np.float64]
    powers: npt.NDArray[np.float64]
    clipped: int
    samples: int


def _measure(sound: soundfile.SoundFile, track: Track, cpu: CpuAllowance) -> _Levels:
    """Decode all of it, in blocks of whole slices.

    Raises:
        InvalidAudio: when it is shorter or longer than declared, or not finite.
        CpuUsedUp.
    """
    # Opus is decoded at another rate than the one at which its length is declared.
    declared = round(track.frames * sound.samplerate / track.sample_rate_hz)
    slice_frames = max(1, round(_SLICE_S * sound.samplerate), -(-declared // _MAX_SLICES))
    block = np.empty((max(1, _BLOCK_FRAMES // slice_frames) * slice_frames, sound.channels), "f4")
    peaks: list[npt.NDArray[np.float32]] = []
    powers: list[npt.NDArray[np.float64]] = []
    frames = clipped = 0
    while len(decoded := sound.read(out=block)):
        cpu.check()
        for slices in _in_slices(decoded, slice_frames):
            # Along the whole of a slice, channels beside each other: per frame, over its one or
            # two values, NumPy takes 20 times as long.
            peaks.append(np.maximum(slices.max(axis=1), -slices.min(axis=1)))
            powers.append(np.einsum("ij,ij->i", slices, slices, dtype="f8") / slices.shape[1])
            loud = slices[peaks[-1] >= _CLIPPED]
            clipped += int(np.count_nonzero(np.abs(loud) >= _CLIPPED))
            if not np.isfinite(powers[-1]).all():
                raise InvalidAudio("The audio holds values that are not finite.")
        frames += len(decoded)
        if frames > declared:
            raise InvalidAudio("The audio holds more than it says.")
    exact = track.min_frames == track.frames
    # Where an encoder may have cut something, only the decoder knows how much.
    if frames < track.min_frames or frames != (declared if exact else sound.frames):
        raise InvalidAudio(f"The audio ends after {frames} of {declared} declared frames.")
    return _Levels(
        frames,
        np.concatenate(peaks).astype("f8"),
        np.concatenate(powers),
        clipped,
        frames * sound.channels,
    )


def _in_slices(decoded: Samples, slice_frames: int) -> Iterator[Samples]:
    """Yield whole slices, one a row, then the shorter one that is left, if any."""
    whole = len(decoded) // slice_frames * slice_frames
    if whole:
        yield decoded[:whole].reshape(whole // slice_frames, -1)
    if whole < len(decoded):
        yield decoded[whole:].reshape(1, -1)


def _waveform(peaks: npt.NDArray[np.float64]) -> bytes:
    """Return up to 200 slices' peaks as bytes; full scale and above is 255."""
    starts = np.linspace(0, len(peaks), min(MAX_PEAKS, len(peaks)), endpoint=False).astype(int)
    scaled = np.maximum.reduceat(peaks, starts) * 255
    return scaled.round().clip(0, 255).astype("u1").tobytes()


def _loudness(levels: _Levels) -> Loudness:
    silent = levels.powers < 10 ** (SILENCE_DBFS / 10)
    return Loudness(
        peak_dbfs=dbfs(float(levels.peaks.max())),
        rms_dbfs=dbfs(float(np.sqrt(levels.powers.mean()))),
        clipped_ratio=round(levels.clipped / levels.samples, 6),
        silence_ratio=round(float(silent.mean()), 4),
        snr_db=_signal_to_noise(levels.powers),
    )


def _signal_to_noise(powers: npt.NDArray[np.float64]) -> float | None:
    """Estimate the ratio of speech to noise from the spread of slice powers, in dB.

    Speech pauses: the 10th percentile of power is taken as the noise floor, the 90th as
    speech (after the percentile method of the NIST STNR tool). Pure digital silence in the
    pauses counts as -96 dBFS, the floor of 16 bits. None where there is too little to tell.
    """
    if len(powers) < 10:
        return None
    floor, speech = np.percentile(powers, [10, 90])
    quantisation = 10 ** (-96 / 10)
    return round(float(10 * np.log10(max(speech, quantisation) / max(floor, quantisation))), 1)
