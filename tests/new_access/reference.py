"""The wheel, one step."""

from neuraltape.functional.wheel import wheel_step as access_step

__all__ = ["access_step"]
