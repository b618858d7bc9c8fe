"""Many processes, a bounded number at a time, here or on a Ray cluster. Knows no training: a job is a list of modules.

`run_jobs` starts them, shows how far they are and reports those that fail; Ctrl-C stops all of them in good order.
`run_on_cluster` has Ray do so.
"""

from neuraltape.study.processes.cluster import run_on_cluster as run_on_cluster
from neuraltape.study.processes.job import Job as Job
from neuraltape.study.processes.job import Outcome as Outcome
from neuraltape.study.processes.local import run_jobs as run_jobs
from neuraltape.study.processes.view import View as View
from neuraltape.study.processes.view import make_view as make_view
