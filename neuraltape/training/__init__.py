"""Training: configuration, the loop, checkpoints and resume, the run directory. Knows nothing of command lines."""

from neuraltape.training.config import LoopConfig as LoopConfig
from neuraltape.training.config import ModelConfig as ModelConfig
from neuraltape.training.config import OptimizerConfig as OptimizerConfig
from neuraltape.training.config import TrainConfig as TrainConfig
from neuraltape.training.errors import Interrupted as Interrupted
from neuraltape.training.errors import NonFiniteError as NonFiniteError
from neuraltape.training.errors import ProcessLostError as ProcessLostError
from neuraltape.training.errors import RunExistsError as RunExistsError
from neuraltape.training.loop import TrainResult as TrainResult
from neuraltape.training.run import Run as Run
from neuraltape.training.run import load_run as load_run
from neuraltape.training.start import resume as resume
from neuraltape.training.start import train as train
