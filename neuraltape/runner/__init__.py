"""Many processes, a bounded number at a time, on this computer. Knows no training: a job is a list of Python modules.

`run_jobs` starts them, shows how far they are and reports those that fail; Ctrl-C stops all of them in good order.
"""

from neuraltape.runner.job import Job as Job
from neuraltape.runner.job import Outcome as Outcome
from neuraltape.runner.local import run_jobs as run_jobs
from neuraltape.runner.view import View as View
from neuraltape.runner.view import make_view as make_view
