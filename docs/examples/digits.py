"""Handwritten digits as sequences of pixels, in tables: digits.csv to learn from, digits-new.csv to read afterwards.

The pictures are scikit-learn's: 8 x 8 pixels, dark from 0 to 1. A line of the table is a pixel of a picture, in the
order in which one reads; the digit stands beside each of them. In digits-new.csv it is left out.

    python docs/examples/digits.py [FOLDER]
"""

import csv
import sys
from pathlib import Path

# Pictures at the end, which are to be read.
NEW = 297


def write_files(folder: Path, *, rows: int | None = None) -> list[Path]:
    """Both tables; of the first so many pictures only, where `rows` is given."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures, answers = digits.data / 16, digits.target
    parts = {"digits.csv": range(len(pictures) - NEW)[:rows], "digits-new.csv": range(len(pictures))[-NEW:][:rows]}
    for name, numbers in parts.items():
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            known = name == "digits.csv"
            writer.writerow(["sequence", "step", "pixel", *(["digit"] if known else [])])
            for number in numbers:
                for step, pixel in enumerate(pictures[number], start=1):
                    writer.writerow([number, step, pixel, *([answers[number]] if known else [])])
    return [folder / name for name in parts]


if __name__ == "__main__":
    for path in write_files(Path(sys.argv[1] if len(sys.argv) > 1 else ".")):
        print(f"wrote {path}")
