"""Piano rolls: chorales for four voices, made up here, in the layout in which the JSB chorales come.

Three lists, for training, validation and test, of arrays (time, 88) of 0 and 1, one piece each; they are written as
train.npz, valid.npz and test.npz. Each piece is a walk through the chords of a key, four notes at a time.

    python docs/examples/chorales.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np

# Degrees of the scale that make a chord, and which chords may follow it.
CHORDS = {"I": (0, 4, 7), "ii": (2, 5, 9), "IV": (5, 9, 12), "V": (7, 11, 14), "vi": (9, 12, 16)}
NEXT = {"I": ("IV", "V", "vi", "ii"), "ii": ("V",), "IV": ("I", "V", "ii"), "V": ("I", "I", "vi"), "vi": ("ii", "IV")}
PIECES = {"train": 229, "valid": 76, "test": 77}


def write(path: Path, rolls: list[np.ndarray]) -> None:
    """Write a list of (time, 88) arrays as one padded array with its lengths."""
    inputs = np.zeros((len(rolls), max(map(len, rolls)), 88), np.uint8)
    for row, roll in zip(inputs, rolls, strict=True):
        row[: len(roll)] = roll
    np.savez(path, inputs=inputs, lengths=[len(roll) for roll in rolls])


def piece(chance: np.random.Generator) -> np.ndarray:
    """One piece, (time, 88)."""
    key, chord, roll = chance.integers(12), "I", []
    for _ in range(chance.integers(8, 24)):
        notes = np.zeros(88, np.uint8)
        # The bass has the root; the others, an octave apart, each one of the chord's notes.
        notes[
            [key + 12 + CHORDS[chord][0], *(key + 24 + 12 * voice + chance.choice(CHORDS[chord]) for voice in range(3))]
        ] = 1
        roll += [notes] * chance.integers(2, 5)
        chord = str(chance.choice(NEXT[chord]))
    return np.array(roll)


def write_files(folder: Path, *, rows: int | None = None) -> list[Path]:
    """All three files; rows: of so many pieces only. Raises FileExistsError where one is there already."""
    chance, paths = np.random.default_rng(0), {name: folder / f"{name}.npz" for name in PIECES}
    for path in paths.values():
        if path.exists():
            raise FileExistsError(f"{path} is there already, and would be overwritten")
    for name, path in paths.items():
        write(path, [piece(chance) for _ in range(PIECES[name])][:rows])
    return list(paths.values())


if __name__ == "__main__":
    try:
        for path in write_files(Path(sys.argv[1] if len(sys.argv) > 1 else ".")):
            print(f"wrote {path}")
    except FileExistsError as error:
        sys.exit(str(error))
