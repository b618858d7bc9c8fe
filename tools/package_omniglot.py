"""Make the machine of `neuraltape evaluate omniglot` out of a run: python tools/package_omniglot.py RUN.

It is kept in half precision, and its scores are those of what is kept: on the alphabets that were kept from training.
"""

import sys
from dataclasses import replace

import torch
from safetensors.torch import load_file, save_file

from neuraltape.evaluation import score_presentations
from neuraltape.nn.mann import MANN
from neuraltape.nn.pretrained import CONFIG, PACKAGED, WEIGHTS
from neuraltape.runs import RunDirectory, load_run
from neuraltape.tasks import Omniglot

FOLDER = PACKAGED / "omniglot"
SHOWN = (1, 2, 3, 5, 10)
CARD = """---
library_name: neuraltape
license: mit
---

# omniglot

A memory-augmented neural network (Santoro et al. 2016, arXiv 1605.06065) that names handwritten characters after
seeing one example, trained on 25 of the 30 background alphabets of Omniglot (Lake, Salakhutdinov and Tenenbaum 2015).

- Recipe: `recipes/omniglot.yaml`, seed {seed}; again: `neuraltape train omniglot --seed {seed}`.
- {parameters:,} parameters, kept in half precision.
- Right answers in {episodes:,} episodes of {classes} classes, on the five alphabets kept from training:

| presentation | {header} |
|---|{rule}|
| right | {row} |

Score it: `neuraltape evaluate omniglot --data-dir DIR`. Load it: `MANN.from_pretrained("omniglot")`.

The page shows episodes without the data set: `sample.zip` holds 241 of its drawings, of the five alphabets kept from
training but for one, under the licence of Omniglot, MIT, copyright (c) 2015 Brenden Lake: `LICENSE-omniglot`. Made by
`python tools/sample_omniglot.py DIR`.
"""


def main(path: str) -> None:
    """Copy the run's machine and configuration into the package, with a card."""
    run = load_run(path)
    trained = run.settings.task
    if not isinstance(trained, Omniglot):
        sys.exit(f"RUN must have learned omniglot; {path} learned {trained.name}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    weights = load_file(RunDirectory(run.path).model / WEIGHTS)
    save_file({name: each.half() for name, each in weights.items()}, FOLDER / WEIGHTS)
    (FOLDER / CONFIG).write_bytes((RunDirectory(run.path).model / CONFIG).read_bytes())
    config = replace(run.settings, task=replace(trained, data_dir=None))
    config.save(RunDirectory(FOLDER).config)
    machine = MANN.from_pretrained(FOLDER)
    task = replace(trained, images="validation")
    report = score_presentations("omniglot", machine, task, [task.max_length], episodes=1_000)
    accuracy = report.rows[0].accuracy
    card = CARD.format(
        seed=run.settings.loop.seed,
        parameters=sum(each.numel() for each in machine.parameters()),
        episodes=report.rows[0].episodes,
        classes=report.rows[0].classes,
        header=" | ".join(map(str, SHOWN)),
        rule="|".join(["---"] * len(SHOWN)),
        row=" | ".join(f"{accuracy[number - 1]:.1%}" for number in SHOWN),
    )
    (FOLDER / "README.md").write_text(card, encoding="utf-8")
    print(FOLDER)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/package_omniglot.py RUN")
    torch.set_grad_enabled(False)
    main(sys.argv[1])
