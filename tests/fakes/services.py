"""All services of the HTTP boundary in memory."""

from dataclasses import dataclass, field

from tests.fakes.memory_library import MemoryLibrary
from tests.fakes.memory_objects import MemoryObjects
from voxshelf.adapters.soundfile_audio import inspect_audio
from voxshelf.adapters.token_urls import TokenUrls
from voxshelf.core.account import Limits, Policy
from voxshelf.core.errors import Unauthenticated

POLICY = Policy(Limits(voices=100, generations=100, size_bytes=10**9, saves_per_day=1000))


class NamedTokens:
    """Plays `IdTokens`: the token `token-of-ada` is ada's."""

    def uid(self, id_token: str) -> str:
        if not id_token.startswith("token-of-"):
            raise Unauthenticated("Sign in: the ID token is missing, wrong or expired.")
        return id_token.removeprefix("token-of-")


@dataclass
class MemoryServices:
    """Plays `Services`."""

    library: MemoryLibrary = field(default_factory=MemoryLibrary)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    tokens: NamedTokens = field(default_factory=NamedTokens)
    urls: TokenUrls = field(default_factory=lambda: TokenUrls("https://files.example", "bucket"))
    allowed_origins: frozenset[str] = frozenset({"https://app.example"})
    page_token_key: str = "test key"
    policy: Policy = POLICY
    inspect_audio: object = staticmethod(inspect_audio)

    @property
    def catalogue(self) -> MemoryLibrary:
        return self.library

    @property
    def upkeep(self) -> MemoryLibrary:
        return self.library

    def prepare_audio(self) -> None:
        """Decode in this process: the fake has no workers."""
