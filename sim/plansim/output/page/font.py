"""Fonts inside a page, so that it shows every character on a machine without fonts.

Noto Sans SC from the package zhplot (SIL Open Font License) is subset to the characters of the
page; characters that it lacks come from DejaVu Sans of matplotlib.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["Subset", "subsets"]


@dataclass(frozen=True)
class Subset:
    """A subset of a font."""

    family: str
    kind: str
    """``woff2`` or ``woff``."""
    data: bytes
    characters: frozenset[str]

    @property
    def css(self) -> str:
        """The CSS rule of the font, with its bytes."""
        encoded = base64.b64encode(self.data).decode()
        return (
            f'@font-face {{ font-family: "{self.family}"; font-display: block; '
            f'src: url("data:font/{self.kind};base64,{encoded}") format("{self.kind}"); }}'
        )


def subsets(text: str) -> tuple[Subset, ...]:
    """Return fonts that have every printable character of a text, the first one most of them.

    Raises:
        ValueError: neither font has a character.
    """
    wanted = {character for character in text if character.isprintable()} | {" "}
    fonts = []
    for family, path in (
        ("plansim", _file("zhplot", "fonts", "NotoSansSC-Regular.ttf")),
        ("plansim-rest", _file("matplotlib", "mpl-data", "fonts", "ttf", "DejaVuSans.ttf")),
    ):
        subset = _subset(family, path, wanted)
        wanted -= subset.characters
        if subset.characters:
            fonts.append(subset)
    if wanted:
        raise ValueError(f"no font has the characters {''.join(sorted(wanted))!r}")
    return tuple(fonts)


def _file(package: str, *parts: str) -> Path:
    spec = find_spec(package)  # finds the package without importing it
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent.joinpath(*parts)


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
