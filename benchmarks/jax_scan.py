"""The machine once more, as a JAX scan, written from the equations of the paper (arXiv 1410.5401).

It shares nothing with neuraltape but the order of the parameters. `tests/` do not need it; it is a side to measure.
"""

from importlib import import_module
from typing import Any, NamedTuple

from benchmarks.size import Size

jax: Any = import_module("jax")
jnp: Any = import_module("jax.numpy")

Array = Any
MOVES = (-1, 0, 1)
SMALLEST_SQUARE = 1e-24
START = 1e-6


class Parameters(NamedTuple):
    """Weights, in the layout of torch: (out, in)."""

    input: Array
    reads: Array
    hidden: Array
    gate_bias: Array
    interface: Array
    interface_bias: Array
    output: Array
    output_bias: Array


class State(NamedTuple):
    """hidden, cell (B, H); memory (B, N, W); weights (B, heads, N), read heads first; reads (B, R, W)."""

    hidden: Array
    cell: Array
    memory: Array
    weights: Array
    reads: Array


def initial_state(size: Size) -> State:
    """Zeros, a memory of one small constant, every head on slot 0."""
    batch, heads = size.batch, size.read_heads + size.write_heads
    zeros = jnp.zeros((batch, size.hidden_size))
    memory = jnp.full((batch, size.slots, size.width), START)
    weights = jnp.zeros((batch, heads, size.slots)).at[..., 0].set(1)
    return State(zeros, zeros, memory, weights, jnp.zeros((batch, size.read_heads, size.width)))


def forward(parameters: Parameters, inputs: Array, state: State, size: Size) -> tuple[Array, State]:
    """Inputs (T, B, I) -> outputs (T, B, O), final state. What needs no recurrence stands outside the scan."""
    projected = inputs @ parameters.input.T + parameters.gate_bias

    def advance(state: State, x: Array) -> tuple[State, Array]:
        state = _step(parameters, x, state, size)
        return state, jnp.concatenate([state.hidden, state.reads.reshape(len(x), -1)], -1)

    state, seen = jax.lax.scan(advance, state, projected)
    return seen @ parameters.output.T + parameters.output_bias, state


def _step(parameters: Parameters, projected: Array, state: State, size: Size) -> State:
    reads = state.reads.reshape(len(projected), -1)
    gates = projected + reads @ parameters.reads.T + state.hidden @ parameters.hidden.T
    take, keep, candidate, out = jnp.split(gates, 4, -1)
    cell = jax.nn.sigmoid(keep) * state.cell + jax.nn.sigmoid(take) * jnp.tanh(candidate)
    hidden = jax.nn.sigmoid(out) * jnp.tanh(cell)
    heads = _heads(hidden @ parameters.interface.T + parameters.interface_bias, size)
    reading = size.read_heads
    write_weights = _address(state.memory, state.weights[:, reading:], [part[:, reading:] for part in heads[:5]])
    memory = _write(state.memory, write_weights, *heads[5:])
    read_weights = _address(memory, state.weights[:, :reading], [part[:, :reading] for part in heads[:5]])
    weights = jnp.concatenate([read_weights, write_weights], 1)
    return State(hidden, cell, memory, weights, jnp.einsum("bhn,bnw->bhw", read_weights, memory))


def _heads(raw: Array, size: Size) -> list[Array]:
    """Key, strength, gate, shift, sharpness of all heads; erase, add of the write heads."""
    batch, heads, written = len(raw), size.read_heads + size.write_heads, size.write_heads
    sizes = (heads * size.width, heads, heads, heads * len(MOVES), heads, written * size.width, written * size.width)
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
    key, strength, gate, shift, sharpness, erase, add = jnp.split(raw, ends, -1)
    return [
        jnp.tanh(key).reshape(batch, heads, size.width),
        jax.nn.softplus(strength),
        jax.nn.sigmoid(gate),
        jax.nn.softmax(shift.reshape(batch, heads, len(MOVES)), -1),
        1 + jax.nn.softplus(sharpness),
        jax.nn.sigmoid(erase).reshape(batch, written, size.width),
        jnp.tanh(add).reshape(batch, written, size.width),
    ]


def _unit(vectors: Array) -> Array:
    square = (vectors * vectors).sum(-1, keepdims=True)
    long = square > SMALLEST_SQUARE
    return vectors * jnp.where(long, jax.lax.rsqrt(jnp.where(long, square, 1.0)), 0.0)


def _address(memory: Array, previous: Array, head: list[Array]) -> Array:
    """Equations 5 to 9."""
    key, strength, gate, shift, sharpness = head
    similarity = jnp.einsum("bhw,bnw->bhn", _unit(key), _unit(memory))
    content = jax.nn.softmax(strength[..., None] * similarity, -1)
    gated = gate[..., None] * content + (1 - gate[..., None]) * previous
    moved = jnp.zeros_like(gated)
    for k, move in enumerate(MOVES):
        moved += shift[..., k, None] * jnp.roll(gated, move, -1)
    tiny = jnp.finfo(moved.dtype).tiny
    unit = jax.lax.stop_gradient(moved.max(-1, keepdims=True))
    powers = sharpness[..., None] * jnp.log(jnp.maximum(moved, tiny) / unit)
    return jax.nn.softmax(jnp.where(moved < tiny, -jnp.inf, powers), -1)


def _write(memory: Array, weights: Array, erase: Array, add: Array) -> Array:
    """Equations 3 and 4: all erases multiply, then all adds sum."""
    for head in range(weights.shape[1]):
        memory = memory * (1 - weights[:, head, :, None] * erase[:, head, None, :])
    return memory + jnp.einsum("bhn,bhw->bnw", weights, add)
