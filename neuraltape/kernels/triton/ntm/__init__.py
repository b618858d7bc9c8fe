"""The access of the Neural Turing Machine, with its controller: forward, backward, and what is around them."""
