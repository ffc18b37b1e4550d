"""Which generations a voice counts: one rule for adding, for taking away and for recounting."""

from voxshelf.core.items import Generation, Voice


def counts_at(generation: Generation, voice: Voice) -> bool:
    """Tell whether a generation is among its voice's `generation_count`.

    It is where the voice was there when the generation was saved: what an earlier voice of this id
    spoke is not its own. Both times are the database's, and neither changes with a new version.
    """
    return voice.voice_id == generation.voice_id and voice.saved_at <= generation.saved_at
