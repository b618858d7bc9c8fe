"""How often the nearest drawing, by the cosine of the pixels, is of the same character. Nothing is learned.

python tools/omniglot_nearest.py DATA_DIR
"""

import sys

import torch

from neuraltape.tasks import Omniglot


def share_right(data_dir: str, *, centered: bool, blur: float, episodes: int = 1000) -> float:
    """One drawing of each of five upright validation characters in store, and another of each to look for."""
    options = {"centered": centered, "blur": blur, "rotations": False, "presentations": 2}
    task = Omniglot(data_dir=data_dir, images="validation", **options)
    batch = task.sample(episodes, torch.Generator().manual_seed(0))
    pictures = batch.inputs[..., : task.side**2].transpose(0, 1)
    pictures = torch.nn.functional.normalize(pictures - pictures.mean(-1, keepdim=True), dim=-1)
    # The two drawings of each class, in the order of the classes.
    order = batch.targets.T.argsort(dim=-1, stable=True).unsqueeze(-1).expand_as(pictures)
    pairs = pictures.gather(1, order).unflatten(1, (task.max_length, 2))
    similar = pairs[:, :, 0] @ pairs[:, :, 1].transpose(1, 2)
    return (similar.argmax(1) == torch.arange(task.max_length)).double().mean().item()


if __name__ == "__main__":
    for centered, blur in ((False, 0.0), (True, 0.0), (True, 0.05)):
        print(f"centered {centered}, blur {blur:g}: {share_right(sys.argv[1], centered=centered, blur=blur):.1%}")
