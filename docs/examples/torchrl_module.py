"""A machine as a module of TorchRL: state in and out of a TensorDict, and `is_init` where an episode begins.

While data is collected it takes one step and leaves its state for the next one; in training it takes what was collected
as whole sequences, (batch, time), and begins anew where `is_init` is True: the same numbers, with gradients. A plain
dict with these keys will do in place of a TensorDict: this file runs where TorchRL isn't installed.

python docs/examples/torchrl_module.py
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from neuraltape import NTM
from neuraltape.functional import State, map_state

try:
    from tensordict.nn import TensorDictModuleBase
except ImportError:
    TensorDictModuleBase = nn.Module


def named(state: State, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Tensor]]:
    """The tensors of a state with their names, such as ("tape", "access", "memory")."""
    for name, part in zip(state.names, state.parts(), strict=True):
        yield from named(part, (*place, name)) if isinstance(part, State) else [((*place, name), part)]


class TapeModule(TensorDictModuleBase):
    """Reads what is seen, `is_init` and the state; writes what the machine says and the state for the next step.

    Args:
        machine: with `batch_first`, as TorchRL has it.
        in_key, out_key: of what is seen, (..., input_size), and of what the machine says, (..., output_size).
        state_key: where its state is kept, tensor by tensor; with a time axis only that at the first step counts.
    """

    def __init__(self, machine: Any, *, in_key: str = "observation", out_key: str = "logits", state_key: str = "tape"):
        super().__init__()
        if not machine.batch_first:
            raise ValueError("machine must be made with batch_first=True")
        self.machine, self.in_key, self.out_key, self.state_key = machine, in_key, out_key, state_key
        with torch.no_grad():
            self.empty = machine.initial_state(1).rows(slice(0))
            self.shapes = {key: part.shape[1:] for key, part in named(machine.initial_state(1), (state_key,))}
        self.in_keys = [in_key, "is_init", *self.shapes]
        self.out_keys = [out_key, *(("next", *key) for key in self.shapes)]

    def forward(self, data: Any) -> Any:
        """One step, (batch, input_size), or whole sequences, (batch, time, input_size); changes `data`."""
        seen, anew = data[self.in_key], data["is_init"].squeeze(-1)
        kept = [data.get(key, None) for key in self.shapes]
        together = seen.dim() == 3
        parts = iter([each[:, 0] if together and each is not None else each for each in kept])
        state = None if any(each is None for each in kept) else map_state(lambda _: next(parts), self.empty)
        if together:
            data[self.out_key], _ = self.machine(seen, state, reset=anew)
            return data
        data[self.out_key], state = self.machine.step(seen, state, reset=anew)
        for key, part in named(state, ()):
            data["next", self.state_key, *key] = part
        return data

    def primer(self) -> Any:
        """The transform that gives TorchRL's environments a place for the state; `InitTracker` gives them `is_init`."""
        from torchrl.data import Composite, Unbounded
        from torchrl.envs import TensorDictPrimer

        specs = Composite()
        for key, shape in self.shapes.items():
            specs[key] = Unbounded(shape, dtype=self.machine.precision)
        return TensorDictPrimer(specs, default_value=0.0, expand_specs=True)


def collect(module: TapeModule, seen: Tensor, is_init: Tensor) -> dict[Any, Tensor]:
    """What a collector does, in a few lines: step after step, each with the state that the step before left."""
    kept, rows = {key: torch.zeros(len(seen), *shape) for key, shape in module.shapes.items()}, []
    for t in range(seen.shape[1]):
        rows.append(module({"observation": seen[:, t], "is_init": is_init[:, t], **kept}))
        kept = {key[1:]: rows[-1][key] for key in module.out_keys[1:]}
    return {key: torch.stack([row[key] for row in rows], 1) for key in rows[0]}


def main() -> None:
    """Collect with two episodes in a row of twelve steps, then look at the same steps as one sequence."""
    module = TapeModule(NTM(4, 16, 3, memory_slots=8, memory_width=4, batch_first=True))
    seen, is_init = torch.randn(2, 12, 4), torch.zeros(2, 12, 1, dtype=torch.bool)
    is_init[:, 0] = is_init[1, 7] = True
    with torch.no_grad():
        collected = collect(module, seen, is_init)
    apart = (module({**collected})["logits"] - collected["logits"]).abs().max()
    print(f"12 steps one by one and together: {apart:.1e} apart at most")


if __name__ == "__main__":
    main()
