"""Audio as the library knows it: formats, limits and facts."""

from dataclasses import dataclass
from enum import Enum

from voxshelf.core.errors import InvalidAudio

MIN_RATE_HZ = 8_000
MAX_RATE_HZ = 192_000
MAX_CHANNELS = 2
MAX_PEAKS = 200

# Long enough to recognise every format below, short enough to read always.
SIGNATURE_BYTES = 12


class AudioFormat(Enum):
    """A container that is stored, with its file extension and content type."""

    WAV = ("wav", "audio/wav")
    FLAC = ("flac", "audio/flac")
    OGG = ("ogg", "audio/ogg")
    MP3 = ("mp3", "audio/mpeg")

    def __init__(self, extension: str, content_type: str) -> None:
        """Name the parts of the value."""
        self.extension = extension
        self.content_type = content_type


def recognise(head: bytes) -> AudioFormat | None:
    """Return the format that the first 12 bytes show, or None.

    Never from a name or a declared type. The magic numbers: RIFF/WAVE, RFC 9639 section 6
    (fLaC), RFC 3533 section 6 (OggS), ID3v2 or an MPEG-1/2/2.5 layer III frame header.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return AudioFormat.WAV
    if head[:4] == b"fLaC":
        return AudioFormat.FLAC
    if head[:4] == b"OggS":
        return AudioFormat.OGG
    if head[:3] == b"ID3" or _is_layer_iii_frame(head[:4]):
        return AudioFormat.MP3
    return None


def _is_layer_iii_frame(header: bytes) -> bool:
    """Tell whether four bytes are an MP3 frame header: sync, layer III, sane rate fields."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return False
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    return version != 1 and layer == 1 and bitrate not in (0, 15) and rate != 3


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """How long one kind of audio may be, in seconds, and what to call it in a message."""

    noun: str
    min_duration_s: float
    max_duration_s: float

    def check(self, *, duration_s: float, sample_rate_hz: int, channels: int) -> None:
        """Refuse what is outside the limits; called on declared facts before any decoding.

        Raises:
            InvalidAudio: with the fact that is out of range.
        """
        if not MIN_RATE_HZ <= sample_rate_hz <= MAX_RATE_HZ:
            raise InvalidAudio(
                f"The {self.noun} has a sample rate of {sample_rate_hz} Hz; "
                f"{MIN_RATE_HZ} to {MAX_RATE_HZ} Hz are taken.",
                details={"sample_rate_hz": sample_rate_hz},
            )
        if not 1 <= channels <= MAX_CHANNELS:
            raise InvalidAudio(
                f"The {self.noun} has {channels} channels; mono and stereo are taken.",
                details={"channels": channels},
            )
        if not self.min_duration_s <= duration_s <= self.max_duration_s:
            raise InvalidAudio(
                f"The {self.noun} lasts {duration_s:.2f} s; it must last "
                f"{self.min_duration_s:g} to {self.max_duration_s:g} s.",
                details={"duration_s": round(duration_s, 3)},
            )


SAMPLE_LIMITS = AudioLimits("voice sample", min_duration_s=0.5, max_duration_s=600)
SPEECH_LIMITS = AudioLimits("speech", min_duration_s=0.1, max_duration_s=4 * 3600)


@dataclass(frozen=True, slots=True)
class Loudness:
    """What decoding measured: levels in dBFS (None: digital silence), ratios 0 to 1."""

    peak_dbfs: float | None
    rms_dbfs: float | None
    clipped_ratio: float
    silence_ratio: float
    snr_db: float | None


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """One audio file, measured: never what a client or a header claimed.

    `peaks` holds up to 200 bytes, each the largest absolute sample of one slice of equal
    length on a scale of 0 to 255: enough to draw the waveform without the file.
    """

    format: AudioFormat
    size_bytes: int
    sha256: str
    duration_s: float
    frames: int
    sample_rate_hz: int
    channels: int
    peaks: bytes
    loudness: Loudness


@dataclass(frozen=True, slots=True)
class Audio:
    """A stored audio object: where it lies, its download token, and its facts."""

    path: str
    token: str
    content_type: str
    format: str
    size_bytes: int
    sha256: str
    duration_s: float
    sample_rate_hz: int
    channels: int
    peaks: bytes

    @classmethod
    def stored(cls, facts: AudioFacts, *, path: str, token: str) -> "Audio":
        """Return the audio of these facts as stored at `path`."""
        return cls(
            path=path,
            token=token,
            content_type=facts.format.content_type,
            format=facts.format.extension,
            size_bytes=facts.size_bytes,
            sha256=facts.sha256,
            duration_s=facts.duration_s,
            sample_rate_hz=facts.sample_rate_hz,
            channels=facts.channels,
            peaks=facts.peaks,
        )
