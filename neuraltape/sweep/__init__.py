"""Many trainings of one task: settings times seeds. Knows no command line, and not where its trials run.

settings x seeds -> trials (ordinary run directories in a store) -> results (a small JSON file each) -> a table
"""

from neuraltape.sweep.plan import Plan as Plan
from neuraltape.sweep.plan import make_plan as make_plan
from neuraltape.sweep.report import HEADINGS as HEADINGS
from neuraltape.sweep.report import rows_of as rows_of
from neuraltape.sweep.report import write_report as write_report
from neuraltape.sweep.result import TrialResult as TrialResult
from neuraltape.sweep.search import Search as Search
from neuraltape.sweep.search import run_search as run_search
from neuraltape.sweep.source import make_source as make_source
from neuraltape.sweep.space import make_trials as make_trials
from neuraltape.sweep.space import read_space as read_space
from neuraltape.sweep.store import Store as Store
from neuraltape.sweep.trial import Trial as Trial
