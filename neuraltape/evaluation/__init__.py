"""How good a trained machine is, within and beyond the lengths it was trained on. Knows no training and no figure."""

from neuraltape.evaluation.example import Example as Example
from neuraltape.evaluation.example import example as example
from neuraltape.evaluation.lengths import LengthScore as LengthScore
from neuraltape.evaluation.lengths import evaluate as evaluate
from neuraltape.evaluation.lengths import usual_lengths as usual_lengths
from neuraltape.evaluation.presentations import PresentationReport as PresentationReport
from neuraltape.evaluation.presentations import PresentationScore as PresentationScore
from neuraltape.evaluation.presentations import score_presentations as score_presentations
from neuraltape.evaluation.report import Report as Report
from neuraltape.evaluation.report import make_report as make_report
from neuraltape.evaluation.shown import Shown as Shown
from neuraltape.evaluation.shown import show_rows as show_rows
from neuraltape.evaluation.trace import trace_length as trace_length
