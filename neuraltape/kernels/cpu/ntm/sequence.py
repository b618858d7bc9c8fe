"""The engine's sequence, with these heads."""

from neuraltape.kernels.cpu.engine.sequence import sequence as sequence
