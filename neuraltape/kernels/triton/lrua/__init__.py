"""Access by least-recently-used writes: what it plugs into the engine."""
