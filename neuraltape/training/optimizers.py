"""From a configuration to an optimiser."""

from torch import nn
from torch.optim import Adam, Optimizer

from neuraltape.training.optimizer_config import OptimizerConfig
from neuraltape.training.rmsprop import RMSProp


def build_optimizer(config: OptimizerConfig, weights: nn.Parameter) -> Optimizer:
    """The optimiser for these weights."""
    if config.optimizer == "rmsprop":
        eps = 1e-4 if config.eps is None else config.eps
        return RMSProp([weights], config.learning_rate, momentum=config.momentum, decay=config.decay, eps=eps)
    eps = 1e-8 if config.eps is None else config.eps
    # Fused: one pass over the memory instead of a dozen.
    fused = weights.device.type in ("cpu", "cuda")
    return Adam([weights], config.learning_rate, betas=config.betas, eps=eps, fused=fused)
