"""Question answering over stored facts: recipes with seeds, what came of them, the page beside what was published.

Knows no command line. The network is that of Sukhbaatar et al. (2015), arXiv 1503.08895, the tasks are those of Weston
et al. (2015), arXiv 1502.05698.
"""

from neuraltape.study.questions.page import check as check
from neuraltape.study.questions.page import page as page
from neuraltape.study.questions.run import answering as answering
from neuraltape.study.questions.run import run_recipe as run_recipe
