"""Shares of what is kept, so that one long video does not crowd out the others."""

from __future__ import annotations

from collections.abc import Sequence

from longtake.agent.findings import Candidate


def shared_out(found: Sequence[Candidate], most: int) -> list[Candidate]:
    """The best of each video, and then the best of all, in their order.

    >>> one = [{"video": "a", "id": str(n)} for n in range(5)] + [{"video": "b", "id": "5"}]
    >>> [c["id"] for c in shared_out(one, 4)]
    ['0', '1', '2', '5']
    """
    videos = {c["video"] for c in found}
    if len(found) <= most or len(videos) < 2:
        return list(found[:most])
    quota = max(1, most // len(videos))
    count: dict[str, int] = {}
    kept: set[int] = set()
    for n, one in enumerate(found):
        count[one["video"]] = count.get(one["video"], 0) + 1
        if count[one["video"]] <= quota:
            kept.add(n)
    for n in range(len(found)):
        if len(kept) < most:
            kept.add(n)
    return [found[n] for n in sorted(kept)]
