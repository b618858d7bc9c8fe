"""The access of the Neural Turing Machine: what it plugs into the engine."""
