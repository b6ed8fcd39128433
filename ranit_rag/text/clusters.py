"""Grapheme clusters (UAX #29): what a reader takes for one character."""

from __future__ import annotations

from itertools import accumulate

import regex

# Flags are paired here because regex's \X looks back over all regional indicators at each of them: quadratic time.
CLUSTER = r"\p{RI}\p{RI}[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]*+|\X"

_CLUSTER = regex.compile(CLUSTER)


def cluster_ends(text: str, start: int, end: int) -> list[int]:
    """Where the clusters of ``text[start:end]`` end; ``start`` is taken for a cluster's beginning."""
    return list(accumulate(map(len, _CLUSTER.findall(text[start:end])), initial=start))[1:]
