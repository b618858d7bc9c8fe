"""What a training depends on, from and to YAML and flags. Knows no loop."""

from neuraltape.settings.loop_config import LoopConfig as LoopConfig
from neuraltape.settings.model_config import ModelConfig as ModelConfig
from neuraltape.settings.optimizer_config import OptimizerConfig as OptimizerConfig
from neuraltape.settings.settings import TrainConfig as TrainConfig
