"""What the sources of the emulators' Java programs share: the programs and a source's refusal."""

from dataclasses import dataclass


class SourceUnavailable(Exception):
    """A source cannot give the program; the text is the reason, for people."""


@dataclass(frozen=True)
class Program:
    """One of the two Java programs of the emulator suite, by firebase-tools' name for it."""

    key: str
    title: str

    @property
    def variable(self) -> str:
        """The environment variable by which firebase-tools takes another file."""
        return f"{self.key.upper()}_EMULATOR_BINARY_PATH"


FIRESTORE = Program("firestore", "Firestore emulator")
STORAGE_RULES = Program("storage", "Storage rules runtime")
