"""The access of the Differentiable Neural Computer without links: what it plugs into the engine."""
