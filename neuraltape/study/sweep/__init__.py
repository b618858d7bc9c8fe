"""Many trainings of one task: settings times seeds. Knows no command line, and not where its trials run.

settings x seeds -> trials (ordinary run directories in a store) -> results (a small JSON file each) -> a table
"""

from neuraltape.study.sweep.plan import Plan as Plan
from neuraltape.study.sweep.plan import make_plan as make_plan
from neuraltape.study.sweep.report import HEADINGS as HEADINGS
from neuraltape.study.sweep.report import rows_of as rows_of
from neuraltape.study.sweep.report import write_report as write_report
from neuraltape.study.sweep.result import TrialResult as TrialResult
from neuraltape.study.sweep.search import Search as Search
from neuraltape.study.sweep.search import run_search as run_search
from neuraltape.study.sweep.source import make_source as make_source
from neuraltape.study.sweep.space import make_trials as make_trials
from neuraltape.study.sweep.space import read_space as read_space
from neuraltape.study.sweep.store import Store as Store
from neuraltape.study.sweep.trial import Trial as Trial
