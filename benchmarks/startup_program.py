"""A process of its own: seconds to the end of the first training step. `python -m benchmarks.startup_program`."""

import json
import time

begin = time.perf_counter()
import torch  # noqa: E402

with_torch = time.perf_counter()
from neuraltape import NTM  # noqa: E402

with_neuraltape = time.perf_counter()


def main() -> None:
    """A default machine's first training step."""
    model = NTM(9, 100, 8, backend="cpu")
    outputs, _ = model(torch.zeros(41, 16, 9))
    outputs.mean().backward()
    with_gradient = time.perf_counter()
    torch.optim.Adam(model.parameters()).step()
    seconds = {
        "torch": with_torch - begin,
        "neuraltape": with_neuraltape - with_torch,
        "gradient": with_gradient - with_neuraltape,
        "step": time.perf_counter() - with_neuraltape,
    }
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
