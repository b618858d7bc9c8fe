"""Published results: every recipe with every seed, what came of it, the table and the figures. Knows no command line.

recipes/NAME.yaml -> runs (ordinary run directories) -> results/TASK/NAME-seed-N.json -> results/README.md and figures
"""

from neuraltape.reproduce.plan import Plan as Plan
from neuraltape.reproduce.plan import make_plan as make_plan
from neuraltape.reproduce.recipe import Recipe as Recipe
from neuraltape.reproduce.recipe import read_recipes as read_recipes
from neuraltape.reproduce.report import write_report as write_report
from neuraltape.reproduce.result import Result as Result
