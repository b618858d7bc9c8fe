"""A drink that tastes of tea and feels like milk: looking things up by what they are like.

Words lie in a memory, each as a few numbers that say what it is like. A key that is no word at all, the taste of one
thing and the feel of another, finds what comes nearest, and the strength says how choosy the search is. The picture
shows which words each key finds and what comes back: docs/figures/bubble-tea.png.

    python docs/examples/bubble_tea.py
"""

from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from neuraltape.functional import content_weights, read

# Three tastes, three ways to feel in the mouth, and how sweet.
FEATURES = ("tea", "coffee", "fruit", "creamy", "fizzy", "chewy", "sweet")
TASTE, FEEL = slice(0, 3), slice(3, 6)
WORDS = {
    "green tea":  (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "milk tea":   (0.8, 0.0, 0.0, 0.8, 0.0, 0.0, 0.3),
    "bubble tea": (0.7, 0.0, 0.0, 0.7, 0.0, 0.9, 0.7),
    "iced tea":   (0.9, 0.0, 0.3, 0.0, 0.0, 0.0, 0.6),
    "latte":      (0.0, 0.9, 0.0, 0.9, 0.0, 0.0, 0.1),
    "milk":       (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.2),
    "lemonade":   (0.0, 0.0, 0.9, 0.0, 0.2, 0.0, 0.6),
    "cola":       (0.0, 0.1, 0.1, 0.0, 1.0, 0.0, 1.0),
    "gummy bear": (0.0, 0.0, 0.7, 0.0, 0.0, 1.0, 0.9),
}  # fmt: skip
STRENGTHS = (1.0, 5.0, 20.0, 80.0)
FIGURE = Path(__file__).parents[1] / "figures" / "bubble-tea.png"


def memory() -> Tensor:
    """One slot a word, (1, slots, width)."""
    return torch.tensor(list(WORDS.values())).unsqueeze(0)


def keys(noise: float = 0.15) -> dict[str, Tensor]:
    """Three things to look for, none of which is in the memory, each (1, 1, width)."""
    rows = dict(zip(WORDS, memory()[0], strict=True))
    mixed = torch.zeros(len(FEATURES))
    mixed[TASTE], mixed[FEEL] = rows["green tea"][TASTE], rows["milk"][FEEL]
    chewy = mixed.clone()
    chewy[FEEL] += rows["gummy bear"][FEEL]
    noisy = rows["lemonade"] + noise * torch.randn(len(FEATURES), generator=torch.Generator().manual_seed(0))
    wanted = {"lemonade, badly remembered": noisy, "tastes of tea, feels like milk": mixed, "... and is chewy": chewy}
    return {name: key.view(1, 1, -1) for name, key in wanted.items()}


def find(key: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """Where a key looks, (words,), and the blend that comes back, (features,)."""
    weights = content_weights(memory(), key, torch.tensor([[strength]]))
    return weights[0, 0], read(memory(), weights)[0, 0]


def draw() -> Figure:
    """A row for each key: its focus at every strength on the left, what it is and what comes back on the right."""
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    panels = figure.subplots(len(keys()), 2, squeeze=False)
    for (left, right), (name, key) in zip(panels, keys().items(), strict=True):
        found = [find(key, strength) for strength in STRENGTHS]
        focus = torch.stack([weights for weights, _ in found])
        blends = torch.cat([key[0], torch.stack([blend for _, blend in found])])
        rows = [f"strength {strength:g}" for strength in STRENGTHS]
        _show(left, focus, rows, list(WORDS), f"{name}: where it looks", "Greens", 0.0)
        _show(right, blends, ["key", *rows], list(FEATURES), "what comes back", "Purples", 0.0)
    return figure


def _show(panel, values: Tensor, rows: list[str], columns: list[str], title: str, colours: str, low: float) -> None:
    panel.imshow(values.numpy(), vmin=low, vmax=1.0, cmap=colours, aspect="auto")
    panel.set_title(title, fontsize=10)
    panel.set_yticks(range(len(rows)), rows, fontsize=8)
    panel.set_xticks(range(len(columns)), columns, rotation=30, ha="right", fontsize=8)
    for row, line in enumerate(values.tolist()):
        for column, value in enumerate(line):
            colour = "white" if value > 0.6 else "black"
            panel.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=colour)


def main() -> None:
    """Print the best words for every key, and draw."""
    for name, key in keys().items():
        for strength in STRENGTHS:
            weights, _ = find(key, strength)
            best = sorted(zip(weights.tolist(), WORDS, strict=True), reverse=True)[:3]
            print(f"{name}, strength {strength:g}: " + ", ".join(f"{word} {share:.0%}" for share, word in best))
    FIGURE.parent.mkdir(exist_ok=True)
    draw().savefig(FIGURE, dpi=120)
    print(f"wrote {FIGURE}")


if __name__ == "__main__":
    main()
