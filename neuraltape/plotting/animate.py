"""The tape and its heads, moving: one frame a step, or a hop, as a GIF or an MP4."""

from pathlib import Path

import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import BarContainer
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from neuraltape.files import written_whole
from neuraltape.nn.trace import Head, Trace
from neuraltape.plotting.layout import BELOW, GAP, LEFT, MARGIN, TITLE, WIDTH, new_figure, text_width
from neuraltape.plotting.stages import name_slots
from neuraltape.plotting.style import BLUE, FAINT, INK, LINES, RED, SMALL, TEXT, heat_map, prepare, scale_of
from neuraltape.plotting.tape import Tape

SUFFIXES = (".gif", ".mp4")
DOTS_PER_INCH = 120
# What has not come yet.
NOT_YET = "#ECEBE8"


def animate(trace: Trace, path: str | Path, *, sequence: int = 0, frames_per_second: float = 4.0) -> Path:
    """Draw one sequence step by step: what comes in, the memory with the heads' focus on it, what goes out.

    Hops, which follow each other within a step, are drawn one by one: the story with the hop's focus on it.

    Args:
        trace: a machine's run.
        path: ends in .gif or .mp4; an MP4 needs the program ffmpeg.
        sequence: which of the trace's sequences.
        frames_per_second: steps shown a second.

    Returns:
        The path.

    Raises:
        ValueError: another ending, no ffmpeg, no such sequence, or a speed that is not positive.
        OSError: the disk is full, say; it names the file, which is as it was.
    """
    path = Path(path)
    writer = _writer(path, frames_per_second)
    tape = Tape(trace, sequence)
    picture = _Hops(tape) if tape.heads("hop") else _Picture(tape)
    with written_whole(path) as beside, writer.saving(picture.figure, str(beside), DOTS_PER_INCH):
        for frame in range(picture.frames):
            picture.show(frame)
            writer.grab_frame()
    return path


def _writer(path: Path, frames_per_second: float) -> AbstractMovieWriter:
    if not 0 < frames_per_second < float("inf"):
        raise ValueError(f"frames_per_second must be above 0; got {frames_per_second}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"an animation's file must end in {' or '.join(SUFFIXES)}; got {path.name!r}")
    # GIF counts time in hundredths of a second; the writer rounds.
    if suffix == ".gif":
        return PillowWriter(fps=frames_per_second)  # pyright: ignore[reportArgumentType]
    if not FFMpegWriter.isAvailable():
        raise ValueError("an MP4 needs the program ffmpeg, which is not installed; install it, or write a .gif")
    # An even number of pixels each way, which the codec asks for.
    even = ["-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2", "-pix_fmt", "yuv420p"]
    return FFMpegWriter(fps=frames_per_second, extra_args=even)  # pyright: ignore[reportArgumentType]


class _Picture:
    """The figure; `show` brings it to a step. Above the memory what is written, below it what is read."""

    def __init__(self, tape: Tape) -> None:
        self.tape, self.slots, self.frames = tape, tape.slots_in_use(), tape.steps
        self.inputs, self.outputs = tape.of(tape.trace.inputs).T, tape.predictions.T
        memory = tape.trace.memory
        self.memory = None if memory is None else tape.of(memory)[:, self.slots].transpose(0, 2, 1)
        writers, readers = tape.heads("write"), tape.heads("read")
        heights = {"in": 0.85, "write": 0.5 if writers else 0, "memory": 0 if memory is None else 1.4}
        heights |= {"read": 0.5 if readers else 0, "out": 0.85}
        heights = {name: height for name, height in heights.items() if height}
        # Slots have numbers below them, and then comes another title.
        down = 0.3 + sum(heights.values()) + GAP * len(heights) + 2 * TITLE + 2 * BELOW
        self.figure = new_figure(WIDTH, down)
        FigureCanvasAgg(self.figure)
        of_slots, top, panels = {}, 0.3, {}
        for name, height in heights.items():
            top += TITLE if name in ("in", "out") else 0
            panels[name] = self.figure.panel(LEFT, top, WIDTH - LEFT - MARGIN, height)
            if name not in ("in", "out"):
                of_slots[name] = panels[name]
            top += height + (BELOW if list(heights).index(name) == len(heights) - 2 else GAP)
        self.input_image = self._over_time(panels["in"], self.inputs, "What comes in")
        self.bars: list[tuple[Head, BarContainer]] = []
        for name, axes in of_slots.items():
            if name == "memory":
                assert self.memory is not None
                limit = float(np.abs(self.memory).max()) or 1.0
                self.memory_image = heat_map(axes, self.memory[0], scale="signed", limit=limit)
                prepare(axes, y="memory")
            else:
                self._focus(axes, name, writers if name == "write" else readers, up=name == "write")
            axes.set_xlim(-0.5, len(self.slots) - 0.5)
            axes.tick_params(labelbottom=False, bottom=False)
        lowest = list(of_slots.values())[-1]
        lowest.tick_params(labelbottom=True, bottom=True)
        name_slots(lowest, tape, self.slots)
        scored = tape.scored
        title = "What goes out" if scored is None or scored.all() else "What goes out (pale: not scored)"
        self.output_image = self._over_time(panels["out"], self.outputs, title, scored)
        panels["in"].tick_params(labelbottom=False)
        panels["out"].set_xlabel("time (steps)", fontsize=TEXT)
        self.lines = [panel.axvline(0, color=RED, linewidth=1.2) for panel in (panels["in"], panels["out"])]
        self.title = self.figure.text(0.5, 1 - 0.2 / down, "", ha="center", fontsize=SMALL + 2, color=INK)

    def show(self, step: int) -> None:
        """Draw a step."""
        self.title.set_text(f"step {step} of {self.tape.steps - 1}")
        past = np.arange(self.tape.steps) <= step
        # What has not come yet is left blank.
        self.input_image.set_data(np.where(past, self.inputs, np.nan))
        self.output_image.set_data(np.where(past, self.outputs, np.nan))
        if self.memory is not None:
            self.memory_image.set_data(self.memory[step])
        for head, bars in self.bars:
            for bar, height in zip(bars, self.tape.of(head.weights)[step, self.slots], strict=True):
                bar.set_height(height)
        for line in self.lines:
            line.set_xdata([step, step])

    def _over_time(
        self, axes: Axes, values: NDArray[np.floating], title: str, asked: NDArray[np.bool_] | None = None
    ) -> AxesImage:
        scale, limit = scale_of(values)
        image = heat_map(axes, values, scale=scale, limit=limit, asked=asked)
        axes.set_facecolor(NOT_YET)
        prepare(axes, title=title, y="channel")
        return image

    def _focus(self, axes: Axes, name: str, heads: list[Head], *, up: bool) -> None:
        columns = np.arange(len(self.slots))
        width = 0.86 / len(heads)
        colours = [RED, *LINES[1:]] if up else [BLUE, *LINES[2:]]
        for number, head in enumerate(heads):
            places, colour = columns - 0.43 + width * (number + 0.5), colours[number % len(colours)]
            self.bars.append((head, axes.bar(places, np.zeros(len(columns)), width, color=colour)))
        axes.set_ylim((0, 1) if up else (1, 0))
        prepare(axes, y=name)
        axes.set_yticks([0, 1])
        axes.spines[["top", "right", "left", "bottom"]].set_color(FAINT)


class _Hops:
    """The story, a line a fact; `show` brings it to a hop."""

    def __init__(self, tape: Tape) -> None:
        self.tape, self.slots, self.hops = tape, tape.slots_in_use(), tape.heads("hop")
        self.frames = len(self.hops)
        labels = tape.slot_names(self.slots)
        left, high = min(WIDTH / 2, max(map(text_width, labels)) + 0.12), max(0.8, 0.2 * len(self.slots))
        self.figure = new_figure(WIDTH, 0.3 + high + BELOW)
        FigureCanvasAgg(self.figure)
        axes = self.figure.panel(left, 0.3, WIDTH - left - MARGIN, high)
        rows = range(len(self.slots))
        self.bars = axes.barh(rows, np.zeros(len(self.slots)), color=BLUE)
        axes.set_yticks(rows, labels)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        prepare(axes, x="weight")
        self.title = self.figure.text(
            0.5, 1 - 0.2 / (0.3 + high + BELOW), "", ha="center", fontsize=SMALL + 2, color=INK
        )

    def show(self, hop: int) -> None:
        """Draw a hop."""
        self.title.set_text(f"{self.hops[hop].name} of {self.frames}")
        for bar, width in zip(self.bars, self.tape.of(self.hops[hop].weights)[-1, self.slots], strict=True):
            bar.set_width(width)
