"""Training: phases, the learner, the loop, and the two ways into it. Knows nothing of command lines."""

from neuraltape.training.guard import NonFiniteError as NonFiniteError
from neuraltape.training.loop import TrainResult as TrainResult
from neuraltape.training.processes import Interrupted as Interrupted
from neuraltape.training.processes import ProcessLostError as ProcessLostError
from neuraltape.training.start import resume as resume
from neuraltape.training.start import train as train
