"""The page as one file: complete, closed, and the same page from the disk without a network."""

import re
import subprocess
import sys

import pytest

from tconv.studio import export, page
from tests.studio.states import draw
from tests.studio.waiting import until


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    file = tmp_path_factory.mktemp("export") / "studio.html"
    file.write_text(page(), encoding="utf-8")
    return file


def test_the_file_refers_to_nothing_outside_itself():
    text = page()
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text)
    assert not re.findall(r'^\s*(?:import|export)\b', text, re.MULTILINE)
    assert "unsafe" not in re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]


def test_the_file_works_from_the_disk(opened, exported):
    studio = opened("rank=1&size=3&kernel=2&x=1,2,3&w=1,10", url=exported.as_uri(), offline=True)
    assert studio.locator(".plane-output .cell").all_text_contents() == ["1", "10", "2", "20", "3", "30"]
    studio.get_by_role("tab", name="Code").click()
    until(studio, "document.querySelector('#code-text').innerText.includes('Conv1DTranspose')")
    studio.get_by_role("tab", name="Layer").click()
    studio.get_by_role("button", name="Play").click()
    until(studio, "studio.app.step > 0 && studio.app.step < studio.app.steps")
    until(studio, "location.hash.includes('rank=1')")


def test_the_file_computes_what_the_served_page_computes(opened, exported):
    studio = opened(url=exported.as_uri(), offline=True)
    for state in draw(40, seed=5):
        assert studio.evaluate("text => studio.compute(text).results.phases",
                               state.address) == state.result.ravel().tolist()


def test_what_the_bundle_cannot_take_over_is_refused():
    with pytest.raises(ValueError, match=r"odd\.js: an import or export that the exported page cannot take over"):
        export._as_function("odd.js", 'export default function odd() {}\n')


def test_modules_that_import_one_another_are_refused():
    with pytest.raises(ValueError, match=r"ring: main.js -> a.js -> main.js"):
        export._in_order({"main.js": 'import {a} from "./a.js";\n', "a.js": 'import {b} from "./main.js";\n'})


def test_the_command_line_writes_the_file_whole(tmp_path):
    pytest.importorskip("typer")
    target = tmp_path / "deep" / "studio.html"
    result = subprocess.run([sys.executable, "-m", "tconv", "studio", "--export", str(target)], capture_output=True,
                            text=True,
                            timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert target.read_text(encoding="utf-8") == page()
    assert [path.name for path in target.parent.iterdir()] == ["studio.html"]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    pytest.importorskip("typer")
    (tmp_path / "file").write_text("")
    result = subprocess.run([sys.executable, "-m", "tconv", "studio", "--export", str(tmp_path / "file" / "a.html")],
                            capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr
