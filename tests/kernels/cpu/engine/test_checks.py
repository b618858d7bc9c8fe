import pytest
import torch

from neuraltape.functional import AccessState, InterfaceLayout
from neuraltape.kernels import cpu, reference
from neuraltape.kernels.cpu.engine.run import sequence_backward
from tests.kernels.machines import assert_near, call_of, results_of, run, spec_of


def changed(call, field, change):
    """The call with one tensor replaced."""
    group, _, name = field.partition(".")
    part = getattr(call, group)
    if not name:
        return call._replace(**{group: change(part)})
    if name.isdigit():
        parts = list(part if group == "controller" else part.controller)
        parts[int(name)] = change(parts[int(name)])
        new = tuple(parts)
        return call._replace(**{group: new if group == "controller" else part._replace(controller=new)})
    replace = part.replace if group == "access" else part._replace
    return call._replace(**{group: replace(**{name: change(getattr(part, name))})})


FIELDS = ["inputs", "weights.0", "weights.1", "weights.3", "weights.interface_weight", "weights.interface_bias"]
FIELDS += ["controller.0", "controller.1", "access.memory", "access.read_weights", "access.write_weights"]
FIELDS += ["access.reads"]


def shorter(tensor):
    return tensor.detach()[..., :-1]


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("time", [1, 9])
@pytest.mark.parametrize("field", FIELDS)
def test_a_tensor_of_the_wrong_shape_or_dtype_is_refused(field, time, gradient):
    call = call_of(spec_of(), time, 3)
    with torch.set_grad_enabled(gradient):
        with pytest.raises(ValueError, match="must have shape"):
            cpu.sequence(*changed(call, field, shorter))
        with pytest.raises(ValueError, match=r"must be torch\.float"):
            cpu.sequence(*changed(call, field, lambda t: t.detach().float()))


@pytest.mark.parametrize("field", FIELDS)
def test_a_tensor_that_is_not_on_the_cpu_is_refused(field):
    call = call_of(spec_of(), 2, 3)
    with pytest.raises(ValueError, match=r"on the CPU; got .* on meta"):
        cpu.sequence(*changed(call, field, lambda t: t.detach().to("meta")))


def test_sparse_weights_are_refused():
    call = call_of(spec_of(), 2, 3)
    with pytest.raises(ValueError, match="dense"), torch.no_grad():
        cpu.sequence(*changed(call, "weights.interface_weight", lambda t: t.detach().to_sparse()))


@pytest.mark.parametrize("shape", [(0, 3, 3), (4, 3), (4, 3, 2)])
def test_inputs_without_a_step_or_of_another_size_are_refused(shape):
    call = call_of(spec_of(), 4, 3)
    with pytest.raises(ValueError, match="inputs must have"):
        cpu.sequence(*call._replace(inputs=torch.zeros(shape, dtype=torch.float64)))


def test_a_batch_without_sequences_has_no_state_of_some():
    call = call_of(spec_of(), 4, 3)
    with pytest.raises(ValueError, match=r"hidden must have shape \(0, 1, 10\)"):
        cpu.sequence(*call._replace(inputs=call.inputs[:, :0]))


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([1, 2]), r"\(3,\)"),
        (torch.tensor([1, 5, 2]), "from 0 to 4; got 1 to 5"),
        (torch.tensor([-1, 4, 2]), "from 0 to 4; got -1 to 4"),
        (torch.tensor([1.0, 2.0, 3.0]), "integers"),
        (torch.tensor([True, True, True]), "integers"),
        (torch.ones(3, dtype=torch.int64, device="meta"), "on meta"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    call = call_of(spec_of(), 4, 3)
    with pytest.raises(ValueError, match=message):
        cpu.sequence(*call._replace(lengths=lengths))


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (torch.zeros(3, 4).bool(), r"reset must be \(4, 3\), dense, on the CPU; got \(3, 4\)"),
        (torch.zeros(4, 3, device="meta").bool(), "on meta"),
        (torch.zeros(4, 3), r"reset must be bool; got torch\.float32"),
    ],
)
def test_a_reset_that_does_not_fit_is_refused(at, message):
    call = call_of(spec_of(), 4, 3, resets=True)
    with pytest.raises(ValueError, match=message):
        cpu.sequence(*call._replace(restart=call.restart._replace(at=at)))


@pytest.mark.parametrize("part", ["controller", "access"])
def test_what_rows_begin_anew_with_is_checked_like_the_state(part):
    call = call_of(spec_of(), 4, 3, resets=True)
    wrong = changed(call, f"{part}.{0 if part == 'controller' else 'memory'}", shorter)
    with pytest.raises(ValueError, match="must have shape"):
        cpu.sequence(*call._replace(restart=call.restart._replace(**{part: getattr(wrong, part)})))


def test_too_few_weights_or_states_are_refused():
    call = call_of(spec_of(), 2, 3)
    with pytest.raises(ValueError, match="takes 6 tensors here; got 5"):
        cpu.sequence(*call._replace(weights=call.weights._replace(controller=call.weights.controller[:-1])))
    with pytest.raises(ValueError, match="cell must have shape"):
        cpu.sequence(*call._replace(controller=call.controller[:1]))


def test_the_operator_itself_refuses_what_does_not_fit():
    call = call_of(spec_of(), 2, 3)
    weights = [*call.weights.controller, call.weights.interface_weight, call.weights.interface_bias.float()]
    state = [*call.controller, *call.access.parts()]
    numbers = [3.0, 10.0, 1.0, 7.0, 0.0, 1.0, 1.0, 5.0, -1.0, 0.0, 1.0]
    with pytest.raises(ValueError, match=r"must be torch\.float32"):
        torch.ops.neuraltape.sequence(call.inputs, None, None, weights, state, [], "ntm", "lstm", numbers, False)


def test_the_backward_pass_refuses_another_calls_results():
    call = call_of(spec_of(), 4, 3)
    given = torch.zeros(4, 3, 15, dtype=torch.float64)
    none, saved = [None] * 7, torch.zeros(10, dtype=torch.float64)
    with pytest.raises(ValueError, match="saved must have shape"):
        sequence_backward(none, call.inputs, None, call.access.reads, given, saved, call.spec, wanted=[True] * 7)


def strided(tensor):
    """The same numbers, every second place."""
    wide = torch.full((*tensor.shape, 2), torch.nan, dtype=tensor.dtype)
    wide[..., 0] = tensor.detach()
    return wide[..., 0].requires_grad_()


def negated(tensor):
    """The same numbers, as a view that is negated when it is read."""
    return torch._neg_view(-tensor.detach()).requires_grad_()


@pytest.mark.parametrize("change", [strided, negated])
@pytest.mark.parametrize("time", [1, 9])
def test_the_way_a_tensor_lies_in_memory_does_not_matter(time, change):
    call = call_of(spec_of(layers=2), time, 3)
    other = call.map(change)
    for got, expected in zip(run(cpu.sequence, other), run(cpu.sequence, call), strict=True):
        assert_near(got, expected, 0)
    with torch.no_grad():
        assert_near(results_of(cpu.sequence(*other)), results_of(cpu.sequence(*call)), 0)


def test_expanded_states_and_slopes_are_taken():
    call = call_of(spec_of(), 4, 1)
    wide = call._replace(
        inputs=call.inputs.expand(-1, 3, -1), controller=tuple(t.expand(3, -1, -1) for t in call.controller)
    )
    wide = wide._replace(access=AccessState(*(t.expand(3, -1, -1) for t in call.access.parts())))
    gradients = [
        torch.autograd.grad(module.sequence(*wide).hidden.sum(), call.leaves(), allow_unused=True)
        for module in (cpu, reference)
    ]
    # Measured: 1.3e-15.
    assert_near(list(gradients[0]), list(gradients[1]), 1e-13)


@pytest.mark.parametrize("name", ["raw", "memory", "read_weights", "write_weights"])
def test_an_access_step_refuses_what_does_not_fit(name):
    layout = InterfaceLayout(1, 2, 5)
    state = AccessState(*(torch.zeros(shape) for shape in [(3, 7, 5), (3, 1, 7), (3, 2, 7), (3, 1, 5)]))
    raw = torch.zeros(3, layout.size)
    if name == "raw":
        raw = shorter(raw)
    else:
        state = state.replace(**{name: shorter(getattr(state, name))})
    with pytest.raises(ValueError, match="must have shape"):
        cpu.access_step(raw, state, layout)


def test_an_access_step_refuses_another_state_of_nobody_and_mixed_precision():
    layout = InterfaceLayout(1, 1, 5)
    with pytest.raises(ValueError, match=r"read_weights must have shape \(0, 1, 7\)"):
        cpu.access_step(torch.zeros(0, layout.size), AccessState(*(torch.zeros(0, 7, 5),) * 4), layout)
    state = AccessState(*(torch.zeros(shape) for shape in [(3, 7, 5), (3, 1, 7), (3, 1, 7), (3, 1, 5)]))
    with pytest.raises(ValueError, match="read_weights must be"):
        cpu.access_step(torch.zeros(3, layout.size), state.replace(read_weights=state.read_weights.double()), layout)
