"""What a request holds until its answer has been sent."""

from contextlib import ExitStack

from voxshelf.use_cases.budget import Budget


class Resources(ExitStack):
    """Files that are open, and bytes of the process's budget; both go when this ends."""

    def __init__(self, budget: Budget) -> None:
        """Hold nothing yet."""
        super().__init__()
        # It ends last: after the files whose bytes it stands for.
        self._claim = self.enter_context(budget.claim())

    def take(self, size_bytes: int) -> None:
        """Hold so many bytes more; see `Claim.take`."""
        self._claim.take(size_bytes)

    def give_back(self, size_bytes: int) -> None:
        """Hold so many bytes less, because they are gone."""
        self._claim.give_back(size_bytes)
