"""The access of the Differentiable Neural Computer, one step."""

from neuraltape.functional import dnc_step as access_step

__all__ = ["access_step"]
