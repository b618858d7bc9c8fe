"""What a call costs that bypasses the kernels: forward and backward with them and without, in turn."""

from time import process_time

import torch
from torch import nn

from neuraltape import NTM
from neuraltape.nn.controllers import LSTMController


class LoRA(nn.Module):
    """A linear layer with a small one beside it, which is what is trained."""

    def __init__(self, layer: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Linear(layer.in_features, rank, bias=False)
        self.up = nn.Linear(rank, layer.out_features, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """W x + b + B A x."""
        return self.layer(x) + self.up(self.down(x))


class Mine(LSTMController):
    """A controller of one's own; this one changes nothing."""


def seconds(ntm: NTM, x: torch.Tensor) -> float:
    """The processor's time for one forward and backward pass: others who use the machine do not count."""
    start = process_time()
    ntm(x)[0].square().mean().backward()
    return process_time() - start


def main(steps: int = 40, batch_size: int = 16, repeats: int = 5) -> dict[str, float]:
    """Print how many times as long as the kernels each way round them takes, and return it."""
    x = torch.randn(steps, batch_size, 9)
    machines = {name: NTM(9, 100, 8) for name in ("kernels", "a hook on the controller", "LoRA", "a subclass")}
    machines["a hook on the controller"].controller.register_forward_hook(lambda *_: None)
    access = machines["LoRA"].access
    access.interface = LoRA(access.interface)
    machines["a subclass"].controller = Mine(9 + 20, 100)
    # As double backward needs it, and torch.func's transforms take it.
    machines["reference"] = NTM(9, 100, 8, backend="reference")
    times: dict[str, list[float]] = {name: [] for name in machines}
    for turn in range(repeats + 1):
        for name, ntm in machines.items():
            taken = seconds(ntm, x)
            # In the first turn kernels are compiled or loaded.
            if turn > 0:
                times[name].append(taken)
    ratios = {name: min(each) / min(times["kernels"]) for name, each in times.items()}
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.1f}")
    return ratios


if __name__ == "__main__":
    # A thread that waits for another one takes processor time too.
    torch.set_num_threads(1)
    main()
