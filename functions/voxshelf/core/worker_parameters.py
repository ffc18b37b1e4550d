"""Which parameters of a job reach its worker: how to speak, never what to load or whom to tell.

A worker takes files, models, addresses and switches by whatever names its author chose, so what is
passed on is listed, and all else is refused.
"""

import re
from collections.abc import Collection, Iterable

from voxshelf.core.errors import InvalidRequest

# What the usual open models of speech and cloning call their knobs, each for the sound alone.
DEFAULT_PARAMETERS = frozenset(
    {
        # Of the voice.
        *("emotion", "energy", "exaggeration", "pitch", "similarity_boost", "speed", "stability"),
        *("style", "volume"),
        # Of sampling.
        *("cfg", "cfg_scale", "cfg_strength", "cfg_weight", "do_sample", "guidance"),
        *("guidance_scale", "length_penalty", "max_new_tokens", "min_p", "num_beams"),
        *("repetition_penalty", "seed", "temperature", "top_k", "top_p"),
        # Of diffusion and flow.
        *("alpha", "beta", "diffusion_steps", "embedding_scale", "length_scale", "nfe_step"),
        *("noise_scale", "noise_scale_w", "num_steps", "steps", "sway_sampling_coef"),
        # Of the result.
        *("denoise", "format", "language", "normalize", "remove_silence", "sample_rate"),
    }
)
SETTING = "RUNPOD_PARAMETERS"
# An operator who lists one of these all the same has mistaken the list: under such names workers
# load files and pickles, and an untrusted profile would reach them by another name.
_LOADS = re.compile("audio|base64|file|input|path|pickle|profile|uri|url|wav", re.IGNORECASE)


def allowed_parameters(setting: str) -> frozenset[str]:
    """Return the names that a site passes on, from its setting.

    The setting is a list with commas. Names with `+` before them are added to the usual ones;
    others stand instead of those. Nothing that loads is ever passed on.
    """
    names = [name.strip() for name in setting.split(",") if name.strip()]
    added = {name.removeprefix("+").strip() for name in names if name.startswith("+")}
    whole = {name for name in names if not name.startswith("+")} or DEFAULT_PARAMETERS
    return frozenset(name for name in {*whole, *added} if name and not _LOADS.search(name))


def check_parameters(names: Iterable[str], allowed: Collection[str]) -> None:
    """Refuse a job with parameters that are not passed on.

    Raises:
        InvalidRequest: naming the first of them, those that are, and the operator's setting.
    """
    for name in names:
        if name not in allowed:
            listed = sorted(allowed)
            raise InvalidRequest(
                f"parameters must not have {name!r}: this site passes on {', '.join(listed)}. Its "
                f"operator chooses them ({SETTING}).",
                details={
                    "field": "parameters",
                    "parameter": name,
                    "allowed": listed,
                    "setting": SETTING,
                },
            )
