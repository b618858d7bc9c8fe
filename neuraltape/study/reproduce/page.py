"""The results as a page of Markdown."""

from collections.abc import Iterable, Sequence

from neuraltape.study.reproduce.summary import ProbeSummary, Summary
from neuraltape.study.table import count_cell, markdown, score_cell, share

INTRODUCTION = """# Results

Made by `neuraltape reproduce` from the files in this folder, one a run; do not edit this page.
A recipe `NAME` is `recipes/NAME.yaml`. Every seed that was run counts: one that fails, or gave no result, is in the
denominators and, as never solving its task, in the medians of what it takes. Scores are means over fresh sequences
that were drawn after training (1,000 at a range, 100 at a length beyond it); seconds are those of one process with
one thread, two at a time, so they depend on the computer. The paper is Graves, Wayne and Danihelka (2014),
arXiv 1410.5401.
"""
SOLVED = """## At the range of training

"Sequences" is how many a run was trained on until its task was found solved on 1,000 fresh ones; N-grams and priority
sort are trained to the end of their budget, as they can always be done better. For N-grams the score is the excess over
the Bayes optimum. "At once": without new weights, and without going back to earlier ones.
"""
EVERY = """## Every seed

By seed, the score, and after how many sequences the task was found solved.
"""
BEYOND = """## Beyond the range of training

"Wrong" counts wrong targets a sequence: bits, or classes and digits where a task has those. With another number of
slots the same weights run with a larger memory.
"""


def page(summaries: Sequence[Summary], figures: Iterable[str]) -> str:
    """The whole page.

    Args:
        summaries: in the order of the rows.
        figures: paths of pictures, as seen from the page.
    """
    parts = [INTRODUCTION, SOLVED, markdown(_HEAD, [_row(each) for each in summaries])]
    beyond = [_probe_row(each, probe) for each in summaries for probe in each.probes[1:]]
    if beyond:
        parts += [BEYOND, markdown(_PROBE_HEAD, beyond)]
    parts += [EVERY, "\n".join(_seeds(each) for each in summaries) + "\n"]
    pictures = [f"![{path}]({path})" for path in figures]
    if pictures:
        parts += ["## Figures\n", "\n".join(pictures) + "\n"]
    return "\n".join(parts)


_HEAD = (
    *("recipe", "solved means", "solved", "sequences: median", "seconds: median", "score: median", "worst"),
    *("parameters", "paper's", "command"),
)
_PROBE_HEAD = (
    *(
        "recipe",
        "length",
        "wrong: median",
        "worst",
        "bits: median",
        "worst",
        "end marker right",
        "goal",
        "seeds within",
    ),
)


def _row(each: Summary) -> list[str]:
    score = each.probes[0]
    solved = each.sequences_median is not None
    return [
        each.recipe,
        each.goal,
        share(each.solved, each.total) + ("" if each.at_once is None else f" ({each.at_once} at once)"),
        count_cell(each.sequences_median) if solved else f"- (trained on {each.trained_median:,})",
        count_cell(each.solved_seconds_median if solved else each.seconds_median),
        score_cell(score.bits_median),
        score_cell(score.bits_worst),
        f"{each.parameters:,}",
        count_cell(each.paper_parameters),
        f"`{each.command}`",
    ]


def _probe_row(each: Summary, probe: ProbeSummary) -> list[str]:
    marked = probe.goal is not None and probe.marker_median is not None
    return [
        each.recipe,
        probe.label,
        score_cell(probe.wrong_median),
        score_cell(probe.wrong_worst),
        score_cell(probe.bits_median),
        score_cell(probe.bits_worst),
        "-" if probe.marker_median is None else f"{probe.marker_median:.0%}",
        f"{probe.goal}, every end marker right" if marked else probe.goal or "-",
        "-" if probe.within is None else share(probe.within, each.total),
    ]


def _times(count: int | None, what: str) -> str:
    return "" if not count else f", {count} {what}" + ("s" if count > 1 else "")


def _seeds(each: Summary) -> str:
    """A line with what every seed took and reached."""
    words = []
    for seed, score in each.scores.items():
        count = each.sequences[seed]
        took = "" if count is None else f" after {count:,} sequences"
        again = _times(each.restarts.get(seed), "restart") + _times(each.rewinds.get(seed), "rewind")
        words.append(f"{seed}: {score_cell(score)}{took}{again}")
    words += [f"{seed}: no result" for seed in each.missing]
    return f"- {each.recipe}: {'; '.join(words)}"
