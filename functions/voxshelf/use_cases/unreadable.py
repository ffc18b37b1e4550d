"""Documents that cannot be read: from another version, or written by somebody else."""


class Unreadable(Exception):
    """A document that this version cannot read, of one of the database's collections.

    It is yielded where the others can be gone on with, and raised where all are needed. `digest` is
    the SHA-256 of where it lies, and `problem` what reading it met.
    """

    def __init__(self, kind: str, digest: str, problem: str) -> None:
        """Say which document it is, in no words of its owner's."""
        super().__init__(f"{kind} {digest}: {problem}")
        self.kind, self.digest, self.problem = kind, digest, problem
