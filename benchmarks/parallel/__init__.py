"""What data-parallel training costs: a step, a gradient exchange, and from both the efficiency on many processes."""
