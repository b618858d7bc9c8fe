"""The JAX side: `jax_scan` compiled with its gradient, clipping and Adam into one function."""

from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks import jax_scan
from benchmarks.jax_scan import Array, Parameters, jax, jnp
from benchmarks.size import Size, draw
from benchmarks.torch_side import LEARNING_RATE, tape
from neuraltape.settings import AdamSettings

EPS = 1e-8


class Adam(NamedTuple):
    """Parameters with the optimiser's state."""

    parameters: Parameters
    mean: Parameters
    square: Parameters
    steps: Array


def start(size: Size) -> Adam:
    """The weights that the PyTorch sides start from."""
    state = {name: jnp.array(weight.numpy()) for name, weight in tape(size, backend="reference").state_dict().items()}
    inside, reads = "access.interface", size.read_heads * size.width
    # The controller sees [input, reads].
    seen = state["controller.weight_ih_l0"]
    parameters = Parameters(
        seen[:, :-reads], seen[:, -reads:], state["controller.weight_hh_l0"],
        state["controller.bias_ih_l0"] + state["controller.bias_hh_l0"],
        state[f"{inside}.weight"], state[f"{inside}.bias"], state["output.weight"], state["output.bias"],
    )  # fmt: skip
    # Each buffer is given away at the first step, so no two may be one.
    mean, square = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
    return Adam(parameters, mean, square, jnp.zeros(()))


def logits(parameters: Parameters, inputs: Array, size: Size) -> Array:
    """The outputs from the initial state, (time, batch, output)."""
    return jax_scan.forward(parameters, inputs, jax_scan.initial_state(size), size)[0]


def loss(parameters: Parameters, inputs: Array, targets: Array, size: Size) -> Array:
    """Mean cross-entropy of bits given as logits."""
    outputs = logits(parameters, inputs, size)
    return (jax.nn.softplus(outputs) - targets * outputs).mean()


def train(adam: Adam, inputs: Array, targets: Array, size: Size) -> tuple[Adam, Array]:
    """One training step, with the settings of the other sides. Returns the loss as well."""
    config = AdamSettings()
    value, gradient = jax.value_and_grad(loss)(adam.parameters, inputs, targets, size)
    norm = jnp.sqrt(sum((each * each).sum() for each in gradient))
    gradient = jax.tree.map(lambda each: each * jnp.minimum(1, config.clip_at / norm), gradient)
    first, second = config.betas
    steps = adam.steps + 1
    mean = jax.tree.map(lambda old, new: first * old + (1 - first) * new, adam.mean, gradient)
    square = jax.tree.map(lambda old, new: second * old + (1 - second) * new * new, adam.square, gradient)

    def move(weight: Array, mean: Array, square: Array) -> Array:
        return weight - LEARNING_RATE * (mean / (1 - first**steps)) / (jnp.sqrt(square / (1 - second**steps)) + EPS)

    return Adam(jax.tree.map(move, adam.parameters, mean, square), mean, square, steps), value


class JaxSide:
    """The scan with one batch. Each function is compiled when it is first asked for."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.inputs, self.targets = (jnp.array(tensor.numpy()) for tensor in draw(size))
        self.adam = start(size)
        self.state = jax_scan.initial_state(size)

    @cached_property
    def _train(self) -> Any:
        # The old weights' memory is used for the new ones.
        compiled = jax.jit(partial(train, size=self.size), donate_argnums=0)
        return compiled.lower(self.adam, self.inputs, self.targets).compile()

    @cached_property
    def _forward(self) -> Any:
        compiled = jax.jit(partial(logits, size=self.size))
        return compiled.lower(self.adam.parameters, self.inputs).compile()

    @cached_property
    def _step(self) -> Any:
        compiled = jax.jit(partial(jax_scan.forward, size=self.size))
        return compiled.lower(self.adam.parameters, self.inputs[:1], self.state).compile()

    def prepare(self) -> None:
        """Compile the training step."""
        _ = self._train

    def train(self) -> None:
        """One training step."""
        self.adam, value = self._train(self.adam, self.inputs, self.targets)
        value.block_until_ready()
        self.adam.steps.block_until_ready()

    def forward(self) -> np.ndarray:
        """The outputs, (time, batch, output)."""
        return np.asarray(self._forward(self.adam.parameters, self.inputs))

    def step(self) -> np.ndarray:
        """The outputs of one step, (1, batch, output)."""
        outputs, self.state = self._step(self.adam.parameters, self.inputs[:1], self.state)
        return np.asarray(outputs)
