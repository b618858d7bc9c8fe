"""Sparse access: what it plugs into the engine. Only what was touched is kept, searched and given a gradient."""

from neuraltape.functional import SAMState
from neuraltape.kernels.cpu.engine.access import Access
from neuraltape.kernels.cpu.sam import back, plan, step, together

ACCESS = Access(
    name="sam",
    state=SAMState,
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
    no_gradient=("read_slots", "age", "used", "links", "precedence"),
    in_place=("memory",),
    enter=plan.enter,
    leave=plan.leave,
    stay=plan.stay,
    lasting=("memory", "age", "links"),
    assist=together.assist,
    may_ask=together.may_ask,
    asks=together.asks,
)
