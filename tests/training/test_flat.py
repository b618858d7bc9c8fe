import torch
from torch import nn

from neuraltape.training.flat import FlatParameters


def test_the_model_and_the_vector_share_weights_and_gradients() -> None:
    model = nn.Linear(2, 3)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    flat = FlatParameters(dict(model.named_parameters()))
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    flat.set(torch.arange(9.0))
    assert model.weight.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert model.bias.tolist() == [6, 7, 8]
    model(torch.ones(1, 2)).sum().backward()
    assert flat.gradient.tolist() == [1] * 9
    flat.gradient.zero_()
    model(torch.ones(1, 2)).sum().backward()
    assert flat.gradient.tolist() == [1] * 9


def test_a_step_of_adam_on_the_vector_is_a_step_on_each_parameter() -> None:
    torch.manual_seed(0)
    one = nn.Linear(3, 4)
    other = nn.Linear(3, 4)
    other.load_state_dict(one.state_dict())
    flat = FlatParameters(dict(one.named_parameters()))
    steps = [torch.optim.Adam([flat.weights], 0.1), torch.optim.Adam(other.parameters(), 0.1)]
    for _ in range(3):
        flat.gradient.zero_()
        other.zero_grad()
        for model, optimizer in zip((one, other), steps, strict=True):
            model(torch.ones(2, 3)).square().sum().backward()
            optimizer.step()
    # Measured: no difference.
    torch.testing.assert_close(list(one.parameters()), list(other.parameters()), rtol=0, atol=1e-7)
