"""Training: configuration, the loop, checkpoints and resume, the run directory. Knows nothing of command lines."""

from neuraltape.training.config import LoopConfig as LoopConfig
from neuraltape.training.config import ModelConfig as ModelConfig
from neuraltape.training.config import OptimizerConfig as OptimizerConfig
from neuraltape.training.config import TrainConfig as TrainConfig
