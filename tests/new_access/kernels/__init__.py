"""A wheel: what it plugs into the engine."""

from neuraltape.functional.wheel import WheelState
from neuraltape.kernels.cpu.wheel import back, plan, step

from neuraltape.kernels.cpu.engine.access import Access

ACCESS = Access(
    name="wheel",
    state=WheelState,
    to_numbers=plan.to_numbers,
    from_numbers=plan.from_numbers,
    state_shapes=plan.state_shapes,
    sizes=plan.sizes,
    size_names=plan.Sizes._fields,
    constants=plan.constants,
    constant_names=plan.Constants._fields,
    load=step.load,
    forward=step.forward,
    store=step.store,
    replay=step.replay,
    load_slopes=back.load_slopes,
    backward=back.backward,
    store_slopes=back.store_slopes,
)
