"""Access by least-recently-used writes, one step."""

from neuraltape.functional import lrua_step as access_step

__all__ = ["access_step"]
