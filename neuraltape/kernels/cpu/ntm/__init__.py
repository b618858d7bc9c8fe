"""The heads of a Neural Turing Machine: what they plug into the engine."""

from neuraltape.functional import AccessState
from neuraltape.kernels.cpu.engine.access import Access
from neuraltape.kernels.cpu.ntm import back, plan, step

ACCESS = Access(
    name="ntm",
    state=AccessState,
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
