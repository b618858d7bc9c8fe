"""Training: phases, the learner, the loop, and the two ways into it. Knows nothing of command lines."""

from neuraltape.training.errors import Interrupted as Interrupted
from neuraltape.training.errors import NonFiniteError as NonFiniteError
from neuraltape.training.errors import ProcessLostError as ProcessLostError
from neuraltape.training.loop import TrainResult as TrainResult
from neuraltape.training.start import resume as resume
from neuraltape.training.start import train as train
