"""A Vensim file (``.mdl``) becomes a `Model`, or every fault in it is named.

No engine is needed for that: see `scan` for the form of the file, `syntax` for its equations,
`lint` for what must hold between them, `comment` for what a comment may say, and `build` for the
records. What was read once is kept, and read again if the file has not changed.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from plansim.cache import code_of, digest, kept
from plansim.errors import Fault, Message, ModelError, nearest
from plansim.files.escaping import without_controls
from plansim.files.reading import read_regular, reason_of
from plansim.files.shipped import shipped_model
from plansim.model.records import Model

__all__ = ["MAX_BYTES", "load_model", "parse_model"]

MAX_BYTES = 20_000_000
"""A larger file is refused: the largest models of the field take half of it, drawings included."""
_HIGH = re.compile(rb"[\x80-\xff]+")
_BRACKETED = re.compile(r'(?:^|\|)[ \t]*("[^"\n]*[\[\]][^"\n]*")', re.MULTILINE)
"""Names with square brackets, where they are defined."""
_OUTSIDE = re.compile(
    r"""\bGET[\s_]+(?:DIRECT|XLS|VDF|ODBC|123)[\s_]|:=|:(?:INTERPOLATE|LOOK|HOLD|RAW)|^["\w][^=~|:(\n]*\n?\s*~""",
    re.IGNORECASE | re.MULTILINE,
)
"""What a file holds that takes something from others, or may do so."""


def load_model(
    path: str | Path | None = None,
    strict: bool | None = None,
    data: Sequence[str | Path] | str | Path = (),
) -> Model:
    """Read and check a Vensim model.

    What it takes from files beside it (GET DIRECT …, GET XLS …) becomes a part of its text.

    Args:
        path: a ``.mdl`` file; None for the shipped model.
        strict: whether a missing unit, a value outside of its admissible range and a slip in the
            comment convention are faults (or else warnings). By default they are faults in the
            shipped model alone.
        data: CSV tables with the data of data variables: a header, a column of times, and one for
            each variable, ``name`` or ``name[e1,e2]``; or ``.dat`` files as Vensim writes them.

    Raises:
        ModelError: the file cannot be read, or has faults: all of them, by line.
        InputError: a table of data cannot be read.

    >>> model = plansim.load_model("lake.mdl")
    >>> model.find("捕捞量").equation
    'catch= effort*(initial fish + switch B*(fish - initial fish))'
    """
    file = shipped_model() if path is None else Path(path)
    content = _read_bytes(file)
    notes: list[Fault] = []
    text = _decode(content, file, notes)
    tables = (data,) if isinstance(data, str | Path) else tuple(data)
    equations = text.partition("\\\\\\---///")[0]
    is_open = bool(tables) or _OUTSIDE.search(equations) is not None
    strict = path is None if strict is None else strict
    whole = hashlib.sha256(content).hexdigest()

    def make() -> Model:
        from plansim.model.build import build_model
        from plansim.model.reading.entries import around_sketch
        from plansim.model.reading.outside import inlined, read_series

        sha256 = hashlib.sha256(b"".join(around_sketch(content))).hexdigest()
        whole_text = text
        warnings = tuple(notes)
        if is_open:
            series = {name: at for table in tables for name, at in read_series(Path(table)).items()}
            whole_text, outside, left_out = inlined(text, file.parent, file, series)
            warnings += left_out
            sha256 = digest(sha256, outside, *(Path(table).read_bytes() for table in tables))
        model = build_model(whole_text, file, sha256, strict)
        return replace(model, warnings=(*warnings, *model.warnings)) if warnings else model

    if is_open:  # other files decide as well
        return make()
    key = digest("model", whole, str(file), str(strict), code_of("", "model"))
    return kept("parsed", key, Model, make)


def parse_model(text: str, file: Path) -> Model:
    """Read the text of a Vensim model that lies in no file, as a variant of one that does.

    Missing units and the like are warnings. ``file`` is what messages name, and where the files
    that lie beside a model are looked for.

    Raises:
        ModelError: as for `load_model`.
    """
    from plansim.model.build import build_model

    return build_model(text, file, hashlib.sha256(text.encode()).hexdigest(), strict=False)


def _read_bytes(file: Path) -> bytes:
    """Read a regular file up to the limit, so that a device or a huge file does no harm."""
    if file.suffix.lower() != ".mdl":
        raise ModelError("the file is not a Vensim model", file, expected=Message("a .mdl file"))
    try:
        return read_regular(file, MAX_BYTES)
    except FileNotFoundError:
        siblings = sorted(path.name for path in file.parent.glob("*.mdl"))
        close = nearest(file.name, siblings)
        expected = Message("a .mdl file")
        raise ModelError("there is no such file", file, expected=expected, nearest=close) from None
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise ModelError("the file cannot be read", file, found=reason_of(error)) from error


def _text_of(data: bytes) -> tuple[str, str]:
    """Return the text of a file, and its code page if it is not in UTF-8.

    Chinese is told from the languages of western Europe by its bytes, which come in pairs, but for
    the second one of a rare character.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), "UTF-16"
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig"), ""
    runs = [len(run) for run in _HIGH.findall(data)]
    if 4 * sum(length % 2 for length in runs) <= sum(runs):
        with suppress(UnicodeDecodeError):
            return data.decode("gb18030"), "GB 18030"
    with suppress(UnicodeDecodeError):
        return data.decode("cp1252"), "Windows-1252"
    return data.decode("latin-1"), "ISO 8859-1"


def _decode(data: bytes, file: Path, notes: list[Fault]) -> str:
    if not data.strip():
        raise ModelError("the file is empty", file, expected=Message("a Vensim model"))
    text, encoding = _text_of(data)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ModelError("the file is binary", file, line, expected=Message("text in UTF-8"))
    if encoding:
        lines = enumerate(data.split(b"\n"), start=1)
        line = next(number for number, part in lines if max(part, default=0) > 127)
        message = Message("the file is not in UTF-8 and was read as {encoding}", encoding=encoding)
        notes.append(Fault(message, file, line, expected=Message("text in UTF-8")))
    text = without_controls(text.replace("\r\n", "\n").replace("\r", "\n"))
    return _without_brackets(text, file, notes)


def _without_brackets(text: str, file: Path, notes: list[Fault]) -> str:
    """Write quoted names with round brackets for square ones, which enclose elements of arrays.

    A name stays, and is a fault later, where the other is in the model already.
    """
    for found in dict.fromkeys(_BRACKETED.findall(text)):
        name = found.translate(str.maketrans("[]", "()"))
        if name.lower() in text.lower():
            continue
        line = text[: text.index(found)].count("\n") + 1
        notes.append(
            Fault("the name {name} was read as {other}", file, line, name=found, other=name)
        )
        text = text.replace(found, name)
    return text
