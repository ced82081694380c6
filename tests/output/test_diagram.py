"""Drawings show what the equations say: nothing is lost, nothing overlaps, every label is there."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from plansim.analysis.feedback.loops import load_loops
from plansim.analysis.feedback.polarity import link_signs
from plansim.model.reader import load_model
from plansim.model.records import Model, VariableKind
from plansim.output.diagrams.layout import Box, Line, lay_out
from plansim.output.diagrams.loops import ways_of
from plansim.output.diagrams.modules import (
    STUB,
    loop_map,
    loop_rings,
    module_diagram,
    modules_drawn,
)
from plansim.output.diagrams.parts import ModuleParts, Shape, Signs, Unnamed, module_parts
from plansim.output.text import Lang
from plansim.scenario.reader import read_scenario
from plansim.targets.catalogue import split_reference

SVG = "{http://www.w3.org/2000/svg}"
BUDGET = 350_000

TOWN = """{UTF-8}
town: north, south ~~|
sign[town]= 1, -1 ~ Dmnl ~ 符号。Into the south goes what leaves the north. |
people[town]= INTEG(births[town] - deaths[town] + sign[town]*moving, 100) ~ person ~ 人口。People. |
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
def model() -> Model:
    return load_model()


@pytest.fixture(scope="module")
def signs(model: Model) -> Signs:
    return link_signs(model, read_scenario("baseline", model))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path: Path = tmp_path_factory.mktemp("town") / "town.mdl"
    path.write_text(TOWN, "utf-8")
    return load_model(path)


MODULES = modules_drawn(load_model())


def test_signs_of_a_rate_make_pipes(town: Model) -> None:
    parts = module_parts(town, "")
    pipes = {(pipe.source, pipe.target): pipe.two_way for pipe in parts.pipes}
    assert ("births", "people") in pipes
    assert ("people", "births") not in pipes
    assert ("people", "deaths") in pipes
    assert ("births from", "births") in pipes
    assert ("deaths", "deaths to") in pipes
    # What one element gains another loses.
    assert {("people", "moving"), ("moving", "people")} <= set(pipes)
    # A gap closes from either side, by a flow that has no name.
    (unnamed,) = (key for key, each in parts.elements.items() if not each.variable and "to" in key)
    assert unnamed == "deaths to"
    assert pipes["stress 0", "stress"]
    assert parts.elements["stress 0"].shape is Shape.FLOW


def test_what_stands_still_is_not_drawn_and_delays_are_marked(town: Model) -> None:
    parts = module_parts(town, "")
    drawn = {key for key, each in parts.elements.items() if each.variable}
    assert drawn == {"people", "births", "deaths", "moving", "stress", "hurry", "report"}
    links = {(link.cause, link.effect): link.delayed for link in parts.links}
    assert links["stress", "hurry"]
    assert not links["hurry", "moving"]
    assert parts.elements["stress"].serves == ("else",)
    assert module_parts(town, "else").elements["feeling"].ghosts == ("stress",)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_loses_nothing_that_acts(model: Model, module: str) -> None:
    parts = module_parts(model, module)
    for variable in model.variables.values():
        if variable.module == module and variable.kind is VariableKind.STOCK:
            assert parts.elements[variable.name].shape is Shape.STOCK
    for name in parts.folded:
        users = set(model.uses(name))
        assert users <= set(parts.folded), "something that is drawn, or elsewhere, uses it"
    for link in parts.links:
        effect = model.variables.get(link.effect)
        if effect is not None:
            assert link.cause in effect.causes
    for element in parts.elements.values():
        if element.shape is Shape.FLOW:
            ends = [p for p in parts.pipes if element.key in (p.source, p.target)]
            assert {p.source == element.key for p in ends} == {True, False}


@pytest.mark.parametrize("module", MODULES)
def test_boxes_keep_clear_of_each_other_and_all_labels_stand_in_the_picture(
    model: Model, module: str, signs: Signs
) -> None:
    root = ElementTree.fromstring(module_diagram(model, module, signs=signs))
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    boxes = []
    for rect in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        assert left <= x <= x + w <= left + width
        assert top <= y <= y + h <= top + height
        boxes.append((x, y, w, h))
    for (x, y, w, h), (x2, y2, w2, h2) in combinations(boxes, 2):
        assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    said = {
        lang: {"".join(t.itertext()) for t in root.iter(f"{SVG}text") if lang in t.attrib["class"]}
        for lang in ("en", "zh")
    }
    squeezed = {lang: {text.replace(" ", "") for text in texts} for lang, texts in said.items()}
    for group in root.iter(f"{SVG}g"):
        variable = model.variables[group.attrib["data-v"]]
        assert variable.name.replace(" ", "") in squeezed["en"]
        assert variable.name_zh.replace(" ", "") in squeezed["zh"]
    for text in root.iter(f"{SVG}text"):
        assert left <= float(text.attrib["x"]) <= left + width
        assert top <= float(text.attrib["y"]) <= top + height


def test_all_drawings_fit_into_a_page(model: Model, signs: Signs) -> None:
    drawings = [module_diagram(model, module, style=False, signs=signs) for module in MODULES]
    assert sum(len(drawing.encode()) for drawing in drawings) <= BUDGET


@pytest.mark.parametrize("module", MODULES)
def test_each_link_bears_its_sign_and_no_two_signs_touch(
    model: Model, module: str, signs: Signs
) -> None:
    root = ElementTree.fromstring(module_diagram(model, module, (Lang.EN,), signs=signs))
    parts = module_parts(model, module)
    links = [path for path in root.iter(f"{SVG}path") if path.attrib["class"] in ("l", "l n")]
    links = [path for path in links if "H" in path.attrib["d"]]  # those above ghosts go down
    heads = {None: "h", 1: "hp", -1: "hm", 0: "hx"}
    wanted = [parts.sign(link.cause, link.effect, signs) for link in parts.links]
    drawn = [path.attrib["marker-end"].removeprefix("url(#").removesuffix(")") for path in links]
    assert drawn == [heads[sign] for sign in wanted]
    markers = {each.attrib["id"] for each in root.iter(f"{SVG}marker")}
    assert set(drawn) <= markers
    assert all(
        (p.attrib["class"] == "l n") == (sign == -1) for p, sign in zip(links, wanted, strict=True)
    )
    # A sign takes 11 by 11 about 13.9 before the tip, on the last, level part of its link.
    places = []
    for path in links:
        tip = re.search(r"(?:^M| )(\S+) (\S+)H(\S+)$", path.attrib["d"])
        assert tip, "a link does not arrive level"
        x, y, end = map(float, tip.groups())
        assert abs(end - x) >= STUB - 1
        places.append((end - math.copysign(13.9, end - x), y))
    for (x, y), (x2, y2) in combinations(places, 2):
        assert abs(x - x2) >= 10 or abs(y - y2) >= 10
    said = {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
    for element in parts.elements.values():
        for cause in element.ghosts:
            sign = {None: "", 1: "+", -1: "−", 0: "±"}[parts.sign(cause, element.key, signs)]
            assert any(cause.split()[-1] + f"›{sign}" in text for text in said)


def test_without_signs_none_are_drawn(town: Model) -> None:
    drawing = module_diagram(town, "")
    assert 'id="hp"' not in drawing
    assert "l n" not in drawing


def test_an_unnamed_flow_has_the_sign_of_its_stock_turned_where_it_drains(town: Model) -> None:
    parts = module_parts(town, "")
    assert parts.sign("people", "stress 0", {("people", "stress"): 1}) == 1
    assert parts.sign("people", "births", {("people", "births"): 1}) == 1
    assert parts.sign("people", "births", {}) is None
    drain = ModuleParts("", {}, (), (), (), {"a 1": Unnamed("a", -1, frozenset({"b"}))})
    assert drain.sign("b", "a 1", {("b", "a"): -1, ("c", "a"): 1}) == 1
    assert drain.sign("c", "a 1", {("b", "a"): -1, ("c", "a"): 1}) is None


def test_one_language_leaves_the_other_out(model: Model) -> None:
    drawing = module_diagram(model, MODULES[0], (Lang.EN,), href=lambda each: f"#{each.line}")
    assert 'class="zh"' not in drawing
    root = ElementTree.fromstring(drawing)
    assert any(a.attrib["href"].startswith("#") for a in root.iter(f"{SVG}a"))


def test_layers_run_from_causes_to_effects_but_where_a_circle_closes() -> None:
    names = "abcde"
    boxes = {name: Box(40, 10, 10) for name in names}
    circle = [Line(a, b) for a, b in pairwise("abcda")]
    layout = lay_out(boxes, [*circle, Line("b", "e", 9.0)])
    against = [x for x in circle if layout.layers[x.source] >= layout.layers[x.target]]
    assert len(against) == 1
    assert layout.layers["e"] == layout.layers["b"] + 1
    assert [len(bends) for bends in layout.bends] == [
        abs(layout.layers[x.source] - layout.layers[x.target]) - 1
        for x in [*circle, Line("b", "e")]
    ]


def test_the_loop_map_tells_each_loop_with_its_polarity(model: Model) -> None:
    loops = load_loops(model)
    ways = ways_of(loops)
    for loop in loops:
        mine = [way for way in ways if loop.id in way.loops]
        told = {step for way in mine for step in pairwise((way.cause, *way.through, way.effect))}
        declared = {
            (split_reference(link.cause)[0], split_reference(link.effect)[0])
            for path in loop.paths
            for link in path
        }
        assert told == declared
        if len(loop.paths) == 1:
            sign = math.prod(way.sign for way in mine)
            assert sign == (1 if loop.polarity.value == "reinforcing" else -1)
    ElementTree.fromstring(loop_map(loops, model, "Loops"))
    for loop in loops:
        for ring, path in zip(loop_rings(loop, model), loop.paths, strict=True):
            root = ElementTree.fromstring(ring)
            assert len(list(root.iter(f"{SVG}g"))) == len(path)


@pytest.mark.parametrize("lang", list(Lang))
def test_a_language_may_be_given_by_its_name(model: Model, lang: Lang) -> None:
    module = modules_drawn(model)[0]
    assert module_diagram(model, module, (lang.value,)) == module_diagram(model, module, (lang,))
    loops = load_loops(model)
    named, typed = (loop_map(loops, model, "", (each,)) for each in (lang.value, lang))
    assert named == typed
