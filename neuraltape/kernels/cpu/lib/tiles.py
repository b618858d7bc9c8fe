"""A memory and the weightings over its slots, as the kernels hold them, and how they come and go.

A memory is cut into tiles of one vector of slots: [tile][width + 1][slot in tile], padded with slots that are zero and
never in focus. The last vector of a tile has a number for each slot, such as 1 / |row|, that is the access's own.
Without it tiles of a width such as 64 would lie whole pages apart, and their vectors push each other out of the cache.
A weighting is padded to whole vectors.
"""

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import copy, keep_apart


@helper
def load_tiles(public, p0, memory, m0, slots, tiles, width, vector):
    """From (slots, width) into tiles, without the last vector of each."""
    keep_apart()
    for tile in range(tiles):
        first, place = tile * vector, m0 + tile * (width + 1) * vector
        for lane in range(vector):
            row = p0 + (first + lane) * width
            if first + lane < slots:
                for w in range(width):
                    memory[place + w * vector + lane] = public[row + w]
            else:
                for w in range(width):
                    memory[place + w * vector + lane] = 0.0


@helper
def store_tiles(memory, m0, public, p0, slots, tiles, width, vector):
    """From tiles into (slots, width)."""
    keep_apart()
    for tile in range(tiles):
        first, place = tile * vector, m0 + tile * (width + 1) * vector
        for lane in range(min(vector, slots - first)):
            row = p0 + (first + lane) * width
            for w in range(width):
                public[row + w] = memory[place + w * vector + lane]


@helper
def load_weights(public, p0, padded, w0, heads, z):
    """The weightings of `heads` heads, with zeros behind their slots."""
    keep_apart()
    for head in range(heads):
        place = w0 + head * z.padded
        copy(public, p0 + head * z.slots, padded, place, z.slots)
        for i in range(z.slots, z.padded):
            padded[place + i] = 0.0


@helper
def store_weights(padded, w0, public, p0, heads, z):
    """The weightings of `heads` heads, without their padding."""
    for head in range(heads):
        copy(padded, w0 + head * z.padded, public, p0 + head * z.slots, z.slots)
