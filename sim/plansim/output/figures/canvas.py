"""The canvas of figures: style, fonts, empty axes, and a figure as a file.

No figure needs a font of the machine's: the file of Noto Sans SC comes with the package zhplot, of
which nothing else is used (importing it would change matplotlib's settings), and DejaVu Sans with
matplotlib. Figures are made without pyplot, so that nothing outside of them changes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import as_file, files
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from plansim.files.writing import check_destination, writing_whole
from plansim.output.words.font import font_file
from plansim.output.words.text import typeset
from plansim.output.words.wrapping import wrap

__all__ = [
    "FORMATS",
    "GREY",
    "HALO",
    "INK",
    "ShownFigure",
    "colour_bar",
    "colours",
    "darker",
    "figure_of",
    "head",
    "name_axes",
    "name_rows",
    "new_axes",
    "note_above",
    "panels_in",
    "plain_numbers",
    "save_figure",
    "spread",
    "style",
    "typeset",
    "wrapped",
    "year_axis",
]

FORMATS = (".pdf", ".png", ".svg")

INK = "#222222"
GREY = "#666666"
HALO = 2.5
"""Width, in points, of the white rim that lifts a label from the lines behind it."""

_NO_DATE = {".pdf": {"CreationDate": None}, ".png": {}, ".svg": {"Date": None}}
"""What keeps the time of writing out of a file."""


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of plansim: its fonts, colours and lines, within a ``with`` block.

    >>> import matplotlib.pyplot as plt
    >>> with plansim.plot.style():
    ...     figure, axes = plt.subplots()
    """
    _register_font()
    with (
        as_file(files(__package__).joinpath("plansim.mplstyle")) as path,
        mpl.rc_context(fname=path),
    ):
        yield


@cache
def _register_font() -> None:
    """Tell matplotlib of the Chinese font, which is not installed in the system."""
    font_manager.fontManager.addfont(font_file())


def colours() -> list[str]:
    """Return the colours of lines in order, within `style`."""
    return [str(hue) for hue in mpl.rcParams["axes.prop_cycle"].by_key()["color"]]


class ShownFigure(Figure):
    """A figure that a notebook shows by itself: without pyplot nobody else would see to that."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        with style():
            self.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def new_axes(width: float = 7.0, height: float = 4.0) -> Axes:
    """Make a figure of its own with one set of axes; sizes in inches."""
    return ShownFigure(figsize=(width, height)).subplots()


def panels_in(figure: Figure, count: int, columns: int) -> list[Axes]:
    """Lay out a number of axes in a figure, in rows, and return them."""
    columns = min(count, columns)
    grid = figure.subplots(-(-count // columns), columns, squeeze=False).ravel().tolist()
    for empty in grid[count:]:
        empty.remove()
    panels: list[Axes] = grid[:count]
    return panels


def figure_of(axes: Axes) -> Figure:
    """Return the figure that axes are in."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def name_axes(axes: Axes, name: str, unit: str, *, columns: int = 60) -> None:
    """Write what the values are above the axes: the name, and the unit at the head of its axis."""
    axes.set_title(wrapped(typeset(name), columns), pad=17, color=INK)
    axes.set_ylabel(typeset(unit), rotation=0, ha="left", va="bottom")
    axes.yaxis.set_label_coords(0.0, 1.015)


def name_rows(axes: Axes, names: Sequence[str], *, least: int = 0, size: float = 8) -> None:
    """Name rows that run from the top down, on a grid of verticals; room for ``least`` of them."""
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.set_ylim(max(len(names), least) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", labelsize=size, labelcolor=INK)


def head(axes: Axes, title: str, note: str = "", *, pad: float = 16) -> None:
    """Write a title above the axes, and a note in grey below it."""
    axes.set_title(title, pad=pad, color=INK)
    note_above(axes, note, left=True)


def colour_bar(shown: ScalarMappable, axes: Axes, label: str, **where: Any) -> None:
    """Explain the colours of what is drawn on axes by a bar beside them."""
    bar = figure_of(axes).colorbar(shown, ax=axes, **where)
    bar.set_label(label, fontsize=7.5)
    bar.outline.set_visible(False)


def note_above(axes: Axes, words: str, *, left: bool = False, size: float = 8) -> None:
    """Write a note in grey above the axes, at their right or left end."""
    axes.text(
        0.0 if left else 1.0, 1.015, typeset(words), transform=axes.transAxes,
        ha="left" if left else "right", va="bottom", fontsize=size, color=GREY,
    )  # fmt: skip


def darker(hue: str) -> tuple[float, float, float]:
    """Darken a colour of lines or areas to one of text, which must be read on white."""
    red, green, blue = to_rgb(hue)
    light = 0.3 * red + 0.59 * green + 0.11 * blue
    share = min(1.0, 0.42 / light) if light else 1.0
    return red * share, green * share, blue * share


def wrapped(name: str, columns: int) -> str:
    r"""Begin a name with a capital and break it into lines; a Chinese character is two columns.

    >>> wrapped("fall of energy use per unit of output", 20)
    'Fall of energy use\nper unit of output'
    """
    return "\n".join(wrap(name[:1].upper() + name[1:], columns))


def plain_numbers(axes: Axes, ticks: int = 5) -> None:
    """Write the ticks of the vertical axis in full, thousands parted: no offsets, no powers."""
    axes.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))


def _plain(value: float, position: int | None = None) -> str:
    """Write the number at a tick.

    >>> _plain(0.1 + 0.2), _plain(20000.0), _plain(-5.0)
    ('0.3', '20,000', '−5')
    """
    grouped = "," if abs(value) >= 9999.5 else ""
    return f"{value:{grouped}.10g}".replace("-", "−")


def year_axis(axes: Axes, first: int, last: int) -> None:
    """Mark every fifth year, and leave a little room at both ends."""
    step = 5 if last - first >= 8 else 1
    axes.set_xlim(first - 0.3, last + 0.3)
    axes.set_xticks(
        sorted({first, *range(-(-first // step) * step, last + 1, step)}),
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Move labels up until each is at least ``gap`` above the one below it.

    >>> spread([1.0, 1.1, 5.0], 1.0)
    [1.0, 2.0, 5.0]
    """
    result, order = list(positions), sorted(range(len(positions)), key=positions.__getitem__)
    for below, above in pairwise(order):
        result[above] = max(result[above], result[below] + gap)
    return result


def save_figure(figure: Figure, path: Path, *, force: bool = False) -> None:
    """Write a figure to a PNG, SVG or PDF file, whole or not at all; the same figure, same bytes.

    Raises:
        OutputError: unknown suffix, no such folder, no right to write, or the file exists and
            ``force`` is not given.

    >>> from pathlib import Path
    >>> runs = plansim.simulate(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> axes = plansim.plot.trajectories(runs, "fish")
    >>> plansim.plot.save_figure(axes.figure, Path("fish.png"), force=True)
    """
    check_destination(path, force=force, formats=FORMATS)
    suffix = path.suffix.lower()
    with writing_whole(path) as part:
        with style():
            memory = io.BytesIO()  # a PDF complains by itself where a disk is full
            figure.savefig(memory, format=suffix[1:], metadata=_NO_DATE[suffix])
            part.write_bytes(memory.getvalue())
        check_destination(path, force=force, formats=FORMATS)
