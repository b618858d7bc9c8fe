"""Sparse access, one step."""

from neuraltape.functional import sam_step as access_step

__all__ = ["access_step"]
