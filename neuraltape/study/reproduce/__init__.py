"""Published results: every recipe with every seed, what came of it, the table and the figures. Knows no command line.

recipes/NAME.yaml -> runs (ordinary run directories) -> results/TASK/NAME-seed-N.json -> results/README.md and figures
"""

from neuraltape.study.reproduce.recipe import Recipe as Recipe
from neuraltape.study.reproduce.recipe import read_recipes as read_recipes
from neuraltape.study.reproduce.report import write_report as write_report
