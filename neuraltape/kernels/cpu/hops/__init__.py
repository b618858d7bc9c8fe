"""The hops of a memory network, and its learning."""
