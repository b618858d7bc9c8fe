"""Many trainings: a trial is one with one seed; a plan is what is left of them; a result is what came of one; tables.

Sweeps over settings, reproductions of recipes and question answering are three uses of it. Knows no command line.
"""

from neuraltape.study.plan import Plan as Plan
from neuraltape.study.plan import make_plan as make_plan
from neuraltape.study.result import Result as Result
from neuraltape.study.store import Store as Store
from neuraltape.study.trial import Standing as Standing
from neuraltape.study.trial import Trial as Trial
