"""Fonts inside a page or report: the characters that it shows, without a font of the machine.

Noto Sans SC from the package zhplot (SIL Open Font License), cut down to the characters of the
page; what it lacks comes from DejaVu Sans, which matplotlib carries.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from plansim.files.shipped import vendored

__all__ = ["Subset", "font_file", "subsets"]


def font_file() -> Path:
    """Return the path of the Chinese font."""
    return vendored(
        "zhplot",
        "fonts/NotoSansSC-Regular.ttf",
        "5cf8b2a0576d5680284ab03a7a8219499d59bbe981a79bb3dc0031f251c39736",
    )


@dataclass(frozen=True)
class Subset:
    """A font with some characters alone."""

    family: str
    kind: str
    """``woff2`` or ``woff``."""
    data: bytes
    characters: frozenset[str]
    unicode_range: str = ""
    """What alone the font is used for, as CSS has it; empty for all that it has."""

    @property
    def css(self) -> str:
        """The rule that names the font, its bytes inside."""
        encoded = base64.b64encode(self.data).decode()
        within = f"unicode-range: {self.unicode_range}; " if self.unicode_range else ""
        return (
            f'@font-face {{ font-family: "{self.family}"; font-display: block; {within}'
            f'src: url("data:font/{self.kind};base64,{encoded}") format("{self.kind}"); }}'
        )


def subsets(text: str, family: str = "plansim") -> tuple[Subset, ...]:
    """Return fonts that have the printable characters of a text, the first one most of them.

    The first is called ``family``, the other one the same with ``-rest``. What neither has, as
    Hindi, is left to the reader's fonts.
    """
    import matplotlib as mpl

    wanted = {character for character in set(text) if character.isprintable()} | {" "}
    result = []
    for name, path in (
        (family, font_file()),
        (f"{family}-rest", Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")),
    ):
        subset = _subset(name, path, wanted)
        wanted -= subset.characters
        if subset.characters:
            result.append(subset)
    return tuple(result)


def _subset(family: str, path: Path, wanted: Iterable[str]) -> Subset:
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    options = Options()
    options.hinting = False
    options.layout_features = ["kern"]
    options.drop_tables += ["FFTM"]
    options.name_IDs = [0, 1, 2, 13, 14]  # with copyright and licence
    kind = "woff2" if find_spec("brotli") else "woff"
    stream = io.BytesIO()
    with TTFont(path, lazy=True, recalcTimestamp=False) as font:
        has = frozenset(map(chr, font.getBestCmap())) & frozenset(wanted)
        subsetter = Subsetter(options)
        subsetter.populate(text="".join(sorted(has)))
        subsetter.subset(font)
        font.flavor = kind
        font.save(stream)
    return Subset(family, kind, stream.getvalue(), has)
