"""Figures from traces, metrics and evaluations, made with matplotlib. Knows no training.

Every function returns a `matplotlib.figure.Figure`; `save_figure` writes it as PNG, SVG or PDF.
"""

from neuraltape.plotting.focus import plot_focus as plot_focus
from neuraltape.plotting.gallery import evaluation_figures as evaluation_figures
from neuraltape.plotting.gallery import machine_figures as machine_figures
from neuraltape.plotting.gallery import training_figures as training_figures
from neuraltape.plotting.gates import plot_gates as plot_gates
from neuraltape.plotting.learning import plot_learning as plot_learning
from neuraltape.plotting.lengths import plot_lengths as plot_lengths
from neuraltape.plotting.looked import plot_looked as plot_looked
from neuraltape.plotting.memory import plot_memory as plot_memory
from neuraltape.plotting.order import plot_order as plot_order
from neuraltape.plotting.outputs import plot_outputs as plot_outputs
from neuraltape.plotting.save import save_figure as save_figure
from neuraltape.plotting.sequences import plot_sequences as plot_sequences
from neuraltape.plotting.stages import plot_stages as plot_stages
from neuraltape.plotting.writes import plot_writes as plot_writes
