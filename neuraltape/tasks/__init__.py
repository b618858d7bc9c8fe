"""What to learn: the five tasks of the paper, one of ours, tasks from public data sets, the user's own sequences.

Each task is one file: it draws batches from a generator and owns its loss, its score, its goal, and its words and
drawing for the page. Knows no model and no training loop.
"""

from neuraltape.tasks.batch import Batch as Batch
from neuraltape.tasks.draft import Composed as Composed
from neuraltape.tasks.draft import Draft as Draft
from neuraltape.tasks.draft import Drawing as Drawing
from neuraltape.tasks.goal import Goal as Goal
from neuraltape.tasks.probe import Probe as Probe
from neuraltape.tasks.row import DataError as DataError
from neuraltape.tasks.score import Score as Score
from neuraltape.tasks.task import Task as Task

# The table of tasks: a line each, in the order in which they are listed. Nothing else has to know a task.
# isort: off
from neuraltape.tasks.copy import Copy as Copy
from neuraltape.tasks.repeat_copy import RepeatCopy as RepeatCopy
from neuraltape.tasks.associative_recall import AssociativeRecall as AssociativeRecall
from neuraltape.tasks.ngrams import NGrams as NGrams
from neuraltape.tasks.priority_sort import PrioritySort as PrioritySort
from neuraltape.tasks.tally_copy import TallyCopy as TallyCopy
from neuraltape.tasks.memory_reuse import MemoryReuse as MemoryReuse
from neuraltape.tasks.key_value import KeyValue as KeyValue
from neuraltape.tasks.graph_traversal import GraphTraversal as GraphTraversal
from neuraltape.tasks.omniglot import Omniglot as Omniglot
from neuraltape.tasks.babi import Babi as Babi
from neuraltape.tasks.sequences import Sequences as Sequences
from neuraltape.tasks.text import Text as Text
# isort: on

TASKS: dict[str, type[Task]] = {
    each.name: each
    for each in tuple(globals().values())
    if isinstance(each, type) and issubclass(each, Task) and each is not Task
}
