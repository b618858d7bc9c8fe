"""What to learn: the five tasks of the paper and the user's own sequences, one file a task.

Each draws batches from a generator and owns its loss and its score. Knows no model and no training loop.
"""

from neuraltape.tasks.associative_recall import AssociativeRecall as AssociativeRecall
from neuraltape.tasks.babi import Babi as Babi
from neuraltape.tasks.batch import Batch as Batch
from neuraltape.tasks.copy import Copy as Copy
from neuraltape.tasks.draft import Composed as Composed
from neuraltape.tasks.draft import Draft as Draft
from neuraltape.tasks.draft import Drawing as Drawing
from neuraltape.tasks.goal import Goal as Goal
from neuraltape.tasks.ngrams import NGrams as NGrams
from neuraltape.tasks.omniglot import Omniglot as Omniglot
from neuraltape.tasks.priority_sort import PrioritySort as PrioritySort
from neuraltape.tasks.probe import Probe as Probe
from neuraltape.tasks.repeat_copy import RepeatCopy as RepeatCopy
from neuraltape.tasks.row import DataError as DataError
from neuraltape.tasks.score import Score as Score
from neuraltape.tasks.sequences import Sequences as Sequences
from neuraltape.tasks.task import Task as Task

TASKS: dict[str, type[Task]] = {
    "copy": Copy,
    "repeat-copy": RepeatCopy,
    "associative-recall": AssociativeRecall,
    "ngrams": NGrams,
    "priority-sort": PrioritySort,
}

# Their sequences come from public data sets, which have to be there: see `neuraltape.data`.
DATA_TASKS: dict[str, type[Task]] = {"omniglot": Omniglot, "babi": Babi}
