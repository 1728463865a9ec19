"""What a vision model has been asked so far, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Used:
    """Counts that several threads may add to.

    Attributes:
        requests: replies that came; failed attempts are not among them.
        images: pictures shown in them.
        prompt_tokens: tokens read, those of the pictures among them.
        completion_tokens: tokens written.
        untold: replies of which the server told no tokens; theirs are missing above.
    """

    requests: int = 0
    images: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    untold: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add(self, images: int, prompt: int | None, completion: int | None) -> None:
        """Count one reply; None: it is not known how many tokens."""
        with self._lock:
            self.requests += 1
            self.images += images
            self.prompt_tokens += prompt or 0
            self.completion_tokens += completion or 0
            self.untold += prompt is None or completion is None

    def cost(self, per_read: float, per_written: float) -> float:
        """What the tokens cost at prices for a million read and a million written."""
        return (self.prompt_tokens * per_read + self.completion_tokens * per_written) / 1e6
