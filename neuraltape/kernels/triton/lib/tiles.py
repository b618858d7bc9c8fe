"""A memory (slots, width), a focus over its slots and a vector of its width, filled up with zeros: in and out."""

import triton
import triton.language as tl


@triton.jit
def load_memory(memory, z: tl.constexpr):
    """A memory."""
    n, w = tl.arange(0, z.padded_slots)[:, None], tl.arange(0, z.padded_width)[None, :]
    return tl.load(memory + n * z.width + w, mask=(n < z.slots) & (w < z.width), other=0.0)


@triton.jit
def store_memory(memory, values, z: tl.constexpr):
    """The way back."""
    n, w = tl.arange(0, z.padded_slots)[:, None], tl.arange(0, z.padded_width)[None, :]
    tl.store(memory + n * z.width + w, values, mask=(n < z.slots) & (w < z.width))


@triton.jit
def load_focus(focus, head, z: tl.constexpr):
    """A number for each slot: that of one head, of those of all heads that lie at `focus`."""
    n = tl.arange(0, z.padded_slots)
    return tl.load(focus + head * z.slots + n, mask=n < z.slots, other=0.0)


@triton.jit
def store_focus(focus, head, values, z: tl.constexpr):
    """The way back."""
    n = tl.arange(0, z.padded_slots)
    tl.store(focus + head * z.slots + n, values, mask=n < z.slots)


@triton.jit
def load_vector(vectors, head, z: tl.constexpr):
    """A number for each column: that of one head, of those of all heads that lie at `vectors`."""
    w = tl.arange(0, z.padded_width)
    return tl.load(vectors + head * z.width + w, mask=w < z.width, other=0.0)


@triton.jit
def store_vector(vectors, head, values, z: tl.constexpr):
    """The way back."""
    w = tl.arange(0, z.padded_width)
    tl.store(vectors + head * z.width + w, values, mask=w < z.width)
