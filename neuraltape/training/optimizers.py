"""From a configuration to an optimiser, and its state from and to a checkpoint."""

from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from neuraltape.settings.optimizer_config import OptimizerConfig
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


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as "index.name" -> tensor. Its settings are not part of it: the configuration has them."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, entry in state.items() for name, tensor in entry.items()}


def restore_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` gave."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
