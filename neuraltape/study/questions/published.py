"""Published wrong answers of the end-to-end memory network, in per cent, by task and in the mean.

Sukhbaatar et al. (2015), arXiv 1503.08895: 3 hops, position encoding, linear start, random noise, one network for all
tasks, the best of 10 runs by training error. 1,000 questions a task: as quoted in the table of a public replication.
10,000: as quoted in table 1 of Graves et al. (2016), doi 10.1038/nature20101.
"""

JOINT: dict[str, tuple[float, ...]] = {
    "en": (
        *(0.0, 11.4, 21.9, 13.4, 14.4, 2.8, 18.3, 9.3, 1.9, 6.5),
        *(0.3, 0.1, 0.2, 6.9, 0.0, 2.7, 40.4, 9.4, 88.0, 0.0),
    ),
    "en-10k": (
        *(0.0, 1.0, 6.8, 0.0, 6.1, 0.1, 6.6, 2.7, 0.0, 0.5),
        *(0.0, 0.1, 0.0, 0.0, 0.2, 0.2, 41.8, 8.0, 75.7, 0.0),
    ),
}


def published(size: str, *, joint: bool) -> dict[str, float]:
    """The published errors by task; empty where there is nothing to compare with."""
    return {str(task): error for task, error in enumerate(JOINT[size], start=1)} if joint else {}
