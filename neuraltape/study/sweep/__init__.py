"""Many trainings of one task: settings times seeds. Knows no command line, and not where its trials run.

settings x seeds -> trials (ordinary run directories in a store) -> results (a small JSON file each) -> a table
"""

from neuraltape.study.sweep.report import rows_of as rows_of
from neuraltape.study.sweep.report import table_of as table_of
from neuraltape.study.sweep.report import write_report as write_report
from neuraltape.study.sweep.search import Search as Search
from neuraltape.study.sweep.search import run_search as run_search
from neuraltape.study.sweep.source import Source as Source
from neuraltape.study.sweep.source import make_source as make_source
from neuraltape.study.sweep.space import Range as Range
from neuraltape.study.sweep.space import Space as Space
from neuraltape.study.sweep.space import make_trials as make_trials
from neuraltape.study.sweep.space import read_space as read_space
