"""Drawings show what the equations say: nothing is lost, nothing overlaps, every label is there."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import TypeAlias

import pytest
from rich.cells import cell_len

from plansim.model.reader import load_model
from plansim.model.records import Model, VariableKind
from plansim.output.diagrams.draw import STUB, module_diagram, modules_drawn
from plansim.output.diagrams.layout import Position
from plansim.output.diagrams.parts import Link, Shape, Signs, module_parts
from plansim.output.words.text import Lang

SVG = "{http://www.w3.org/2000/svg}"

Area: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""

TOWN = """{UTF-8}
town: north, south ~~|
people[town]= INTEG(births[town] - deaths[town] + moving, 100) ~ person ~ 人口。People. |
births[town]= rate*people[town] ~ person/Year ~ 出生。Births. |
deaths[town]= people[town]/life ~ person/Year ~ 死亡。Deaths. |
moving= people[north]*hurry ~ person/Year ~ 迁移。Moving. |
stress= INTEG((SUM(people[town!])/room - stress)/delay, 1) ~ Dmnl ~ 压力。Stress. |
hurry= SMOOTH(stress, delay)*unit hurry ~ 1/Year ~ 急迫。Hurry. |
unit hurry= rate/2 ~ 1/Year ~ 单位急迫。Stands still. |
rate= 0.02 ~ 1/Year ~ 率。Rate. |
life= 60 ~ Year ~ 寿命。Life. |
room= 300 ~ person ~ 容量。Room. |
delay= 2 ~ Year ~ 延迟。Delay. |
report= stress*2 ~ Dmnl ~ 报告。Only shown. |
*** .else ***~ 别处。Elsewhere. |
feeling= stress + STEP(1, 2001) ~ Dmnl ~ 感受。Feeling. |
INITIAL TIME= 2000 ~ Year ~ |
FINAL TIME= 2010 ~ Year ~ |
TIME STEP= 1 ~ Year ~ |
SAVEPER= 1 ~ Year ~ |
"""


@pytest.fixture(scope="module")
def signs(city: Model) -> Signs:
    """Give links a sign of each kind in turn, and every fourth none."""
    links = [(cause, one.name) for one in city.variables.values() for cause in one.causes]
    return {link: place % 4 - 1 for place, link in enumerate(links) if place % 4 < 3}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path: Path = tmp_path_factory.mktemp("town") / "town.mdl"
    path.write_text(TOWN, "utf-8")
    return load_model(path)


MODULES = modules_drawn(load_model())


def corners(path: str) -> list[Position]:
    """Give the points through which a line leads."""
    points = (point.split() for point in path.removeprefix("M").split("L"))
    return [(float(x), float(y)) for x, y in points]


def area(rect: ElementTree.Element) -> Area:
    x, y, width, height = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def text_areas(root: ElementTree.Element) -> Iterator[tuple[str, Area]]:
    """Give the room that each text takes by the widths that the layout goes by."""
    for text in root.iter(f"{SVG}text"):
        lines = [text.text or "", *(line.text or "" for line in text)]
        small = text.attrib["class"][0] in "gut"
        half = max(map(cell_len, lines)) * (5.3 if small else 6.6) / 2
        x, y, line = float(text.attrib["x"]), float(text.attrib["y"]), 11.5 if small else 14
        bottom = y + (len(lines) - 1) * line + 0.1 * line
        yield "".join(lines), (x - half, y - 0.7 * line, x + half, bottom)


def overlap(a: Area, b: Area) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def on_border(point: Position, box: Area) -> bool:
    (x, y), (left, top, right, bottom) = point, box
    return top - 1 <= y <= bottom + 1 and min(abs(x - left), abs(x - right)) <= 1


def test_summands_of_a_rate_make_pipes(town: Model) -> None:
    parts = module_parts(town, "")
    assert {(pipe.source, pipe.target) for pipe in parts.pipes} == {
        ("births from", "births"), ("births", "people"),
        ("people", "deaths"), ("deaths", "deaths to"),
        ("moving from", "moving"), ("moving", "people"),
        ("stress 0 from", "stress 0"), ("stress 0", "stress"),
    }  # fmt: skip
    assert parts.elements["stress 0"].shape is Shape.FLOW
    assert parts.elements["stress 0"].variable is None


def test_what_stands_still_is_not_drawn_and_delays_are_marked(town: Model) -> None:
    parts = module_parts(town, "")
    drawn = {key for key, element in parts.elements.items() if element.variable}
    assert drawn == {"people", "births", "deaths", "moving", "stress", "hurry", "report"}
    links = {(link.cause, link.effect): link.delayed for link in parts.links}
    assert links["stress", "hurry"]
    assert not links["hurry", "moving"]
    other = module_parts(town, "else")
    (link,) = other.links
    assert link == Link("stress", "feeling", from_outside=True)
    assert other.elements[link.source].shape is Shape.SHADOW
    assert other.elements[link.source].variable == town.variables["stress"]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_loses_nothing_that_acts(city: Model, module: str) -> None:
    parts = module_parts(city, module)
    for variable in city.variables.values():
        if variable.module == module and variable.kind is VariableKind.STOCK:
            assert parts.elements[variable.name].shape is Shape.STOCK
    for link in parts.links:
        effect = city.variables.get(link.effect)
        if effect is not None:
            assert link.cause in effect.causes
    for element in parts.elements.values():
        if element.shape is Shape.FLOW:
            ends = [p for p in parts.pipes if element.key in (p.source, p.target)]
            assert {p.source == element.key for p in ends} == {True, False}


def drawn_lines(root: ElementTree.Element, css: str) -> list[ElementTree.Element]:
    return [path for path in root.iter(f"{SVG}path") if path.attrib["class"].split()[0] == css]


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("lang", list(Lang))
def test_all_that_acts_is_drawn_from_border_to_border_and_nothing_covers_another(
    city: Model, module: str, lang: Lang, signs: Signs
) -> None:
    root = ElementTree.fromstring(module_diagram(city, module, (lang,), signs=signs))
    parts = module_parts(city, module)
    links, pipes = (
        [corners(path.attrib["d"]) for path in drawn_lines(root, css)] for css in ("l", "p")
    )
    assert (len(links), len(pipes)) == (len(parts.links), len(parts.pipes))
    boxes = {
        group.attrib["data-v"]: area(rect)
        for group in root.iter(f"{SVG}g")
        for rect in group.iter(f"{SVG}rect")
    }
    for link, points in zip(parts.links, links, strict=True):
        assert link.source not in boxes or on_border(points[0], boxes[link.source])
        assert link.effect not in boxes or on_border(points[-1], boxes[link.effect])
    rects, texts = [area(rect) for rect in root.iter(f"{SVG}rect")], list(text_areas(root))
    assert not any(overlap(a, b) for a, b in combinations(rects, 2))
    for (text, a), (other, b) in combinations(texts, 2):
        assert not overlap(a, b), f"{text} covers {other}"
    for points in (*links, *pipes):
        for (x, y), (u, v) in pairwise(points):
            assert min(abs(x - u), abs(y - v)) <= 1, "a line is slanted"
            piece = min(x, u) + 1, min(y, v) - 0.5, max(x, u) - 1, max(y, v) + 0.5
            assert not any(overlap(piece, box) for box in rects)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    for begin, upper, end, lower in [*rects, *(room for _, room in texts)]:
        assert left <= begin <= end <= left + width
        assert top <= upper <= lower <= top + height
    said = {text.replace(" ", "").strip("‹›") for text, _ in texts}
    shown = (city.variables[group.attrib["data-v"]] for group in root.iter(f"{SVG}g"))
    names = {one.name if lang is Lang.EN else one.name_zh for one in shown}
    assert {name.replace(" ", "") for name in names} <= said


@pytest.mark.parametrize("module", MODULES)
def test_each_link_bears_its_sign_and_no_two_signs_touch(
    city: Model, module: str, signs: Signs
) -> None:
    root = ElementTree.fromstring(module_diagram(city, module, (Lang.EN,), signs=signs))
    links = drawn_lines(root, "l")
    heads = {None: "h", 1: "hp", -1: "hm", 0: "hx"}
    wanted = [link.sign(signs) for link in module_parts(city, module).links]
    drawn = [path.attrib["marker-end"].removeprefix("url(#").removesuffix(")") for path in links]
    assert drawn == [heads[sign] for sign in wanted]
    assert set(drawn) <= {marker.attrib["id"] for marker in root.iter(f"{SVG}marker")}
    assert [path.attrib["class"] == "l n" for path in links] == [sign == -1 for sign in wanted]
    # A sign takes 11 by 11 about 13.9 before the tip, on the last, level part of its link.
    places = []
    for path in links:
        (x, y), (end, height) = corners(path.attrib["d"])[-2:]
        assert y == height, "a link does not arrive level"
        assert abs(end - x) >= STUB - 1
        places.append((end - math.copysign(13.9, end - x), y))
    for (x, y), (x2, y2) in combinations(places, 2):
        assert abs(x - x2) >= 10 or abs(y - y2) >= 10
