"""The access of the Differentiable Neural Computer: what it plugs into the engine."""

from neuraltape.functional import DNCState
from neuraltape.kernels.cpu.dnc import back, plan, step
from neuraltape.kernels.cpu.engine.access import Access

ACCESS = Access(
    name="dnc",
    state=DNCState,
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
    why_not=plan.why_not,
)
