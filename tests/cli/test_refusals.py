"""What a user mistypes is answered in one message, before anything is run or written."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.helpers.command import Call

MIX = "decide solve baseline --lever 'coal quality after' --lever 'abatement effort' --target M28"
REFUSALS = [
    # click's own, and what follows it
    ("chek", "No such command 'chek'"),
    ("check baseline --fromat json", "No such option"),
    ("check baseline --format yaml", "'yaml' is not one of"),
    ("check", "Missing argument 'SCENARIO'; 'plansim list scenarios' lists"),
    ("completion powershell", "is not one of"),
    ("completion", "Choose from: bash, zsh, fish. See 'plansim completion --help'."),
    ("why unknowns baseline --target M", "expected a name of 'plansim list targets'"),
    ("compare baseline slow-growth --lang fr", "'fr' is not one of 'en', 'zh'"),
    ("replay nowhere.zarr x", "'x' is not a valid integer. See 'plansim replay --help'."),
    ("sweep growth-investment -n 0", "0 is not in the range x>=1"),
    ("why sensitivity -n 1", "Invalid value for '-n'"),
    ("decide frontier --sepc x", "No such option '--sepc'"),
    ("run --model --lang zh", "--model 须带值；实际：--lang"),
    ("export baseline -o --force", "-o needs a value; found --force"),
    # names
    (
        "export . -o a.csv",
        "'.' is a folder, and no scenario; expected a scenario: 'plansim replay'",
    ),
    ("check baseline --set nothing=1", "expected a name of 'plansim list variables'"),
    ("check no-such-scenario", "no scenario is called 'no-such-scenario'; expected a name"),
    ("check basse.yaml", "basse.yaml"),
    ("check baseline --set 'credit ease aftr=3'", "did you mean 'credit ease after'?"),
    ("check baseline --set 'credit ease after=300'", "credit ease after"),
    ("check baseline --set 'credit ease after=3 万人'", "万人"),
    ("check baseline --set credit ease=1", "expected NAME=VALUE, in quotes if there is a blank"),
    ("run --set 'credit ease after=1'", "--set needs a scenario"),
    ("run baseline --variable 'GPD'", "did you mean 'GDP'?"),
    ("show 'credit ease aftr'", "no variable, target, scenario or clash is called 'credit ease"),
    ("why attribute baseline baselin", "no scenario is called 'baselin'"),
    ("why attribute baseline hindcast-2000", "run on different clocks"),
    ("why loops --set 'switch R1=0'", "--set needs a scenario"),
    ("why sensitivity --design uncertanty", "did you mean 'uncertainty'?"),
    ("compare baseline", "a comparison needs two scenarios or more"),
    ("compare baseline baseline", "a comparison needs two different scenarios"),
    # overlays
    ("check --with drought", "--with needs a scenario"),
    ("check baseline --with drougt", "no overlay is called 'drougt'; expected a name of"),
    ("check baseline+drougt", "did you mean 'drought'?"),
    ("check drought", "'drought' is an overlay, and no scenario; expected SCENARIO+drought"),
    ("check baseline --with baseline", "'baseline' is a scenario, and no overlay; expected"),
    ("show drougt", "did you mean 'drought'?"),
    ("run baseline+drought --with drought", "the overlays 'drought' and 'drought' both set"),
    ("sweep baseline --factor foo", "--factor: no variable is called 'foo'; expected a name of"),
    ("sweep baseline --factor 'capital elasticity' --with drougt", "no overlay is called 'drougt'"),
    ("plot a.zarr -o a.png --kind fan --with drought", "without --set and --with"),
    # files
    ("export baseline -o out.xsl", "did you mean '.xlsx'?"),
    ("run baseline -o no/out.nc", "expected an existing folder; found no folder no"),
    ("run baseline -o {taken}.nc", "the output file exists already; --force replaces it"),
    ("compare baseline slow-growth -o a.pptx", "found .pptx"),
    ("page baseline -o x.htm", "did you mean '.html'"),
    ("export baseline", "Missing option '-o'"),
    ("why sensitivity -o s.xlsx", "expected a name that ends with .json"),
    ("decide robust baseline --plot d.jpg", "expected a name that ends with .pdf, .png, .svg"),
    ("decide frontier --spec none.yaml", "no file states the decision problem"),
    ("decide frontier -o f.csv", "expected a name that ends with .json"),
    ("model validate Q06 -o page.md", "the page is about all tests"),
    ("model validate -o {taken}.md", "--force"),
    ("model validate -o page.txt", "ends with .md"),
    ("model document -o no/such", "no folder"),
    ("model condition --prior spec.yaml", "--prior takes no SPEC"),
    ("model condition --design uncertainty", "--design is for --prior"),
    ("model condition --prior -o members.txt", "ends with .csv; found .txt"),
    ("model condition nothing.yaml -o m.csv", "nothing.yaml: no such file"),
    # pictures
    ("plot baseline -o a.gif", "expected a name that ends with .pdf, .png, .svg; found"),
    ("plot baseline -o {taken}.png", "--force replaces it"),
    ("plot baseline -o a.png --kind fan", "--kind fan draws one sweep: the RESULT.zarr"),
    ("plot baseline --kind loops -o a.png --variable GDP", "--kind loops takes no --variable"),
    ("plot baseline --kind verdicts -o a.png --variable GDP", "--kind verdicts takes no --var"),
    ("plot baseline -o a.png --variable 'GDP[x]'", "--variable: 'GDP[x]' has the wrong number"),
    ("plot baseline -o a.png --all", "--all goes with --kind verdicts alone"),
    # sweeps
    ("sweep growth-invest", "did you mean 'growth-investment'?"),
    ("sweep nowhere.yaml", "nowhere.yaml: no such file"),
    ("sweep baseline --factor GDP", "cannot be set"),
    ("sweep growth-investment --resume --force", "--resume keeps what is there"),
    ("replay nowhere.zarr 3", "nowhere.zarr: no such folder; expected a RESULT.zarr that"),
    # levers and targets
    ("decide solve baseline --lever GDP --target M28", "'GDP' cannot be set"),
    ("decide solve baseline --lever 'coal quality after' --target M99", "no target has the"),
    ("decide solve baseline --lever 'coal quality after' --target T402", "nothing in the mo"),
    ("decide solve baseline --lever 'coal quality after'", "Missing option '--target'"),
    (f"{MIX} --price 'coal quality after'", "not a price; expected NAME=COST"),
    (f"{MIX} --price 'coal quality after=-1'", "a number from 0 on"),
    (f"{MIX} --price 'retrofit rate=1'", "has a price but is not moved"),
    (f"{MIX} --cost spending", "'spending' is not one series"),
    (f"{MIX} --cost 'coal quality after'", "does not move in a run"),
    (f"{MIX} --cost GDP --price 'coal quality after=1'", "either of"),
]


@pytest.mark.parametrize(("line", "message"), REFUSALS, ids=[line for line, _ in REFUSALS])
def test_a_mistake_gives_one_message_and_exit_code_2(
    call: Call, tmp_path: Path, line: str, message: str
) -> None:
    taken = [Path(word.format(taken="taken")) for word in shlex.split(line) if "{taken}" in word]
    for path in taken:
        path.write_text("precious", "utf-8")
    done = call(*(word.format(taken="taken") for word in shlex.split(line)))
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert any(told.startswith("plansim: ") for told in done.err.splitlines())
    assert "Traceback" not in done.err
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {
        path.name: "precious" for path in taken
    }
