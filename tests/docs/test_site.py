"""The documentation as a site: built without a warning, whole, and readable without a network."""

import doctest
import importlib
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

DOCS = Path(__file__).parents[2] / "docs"
CHAPTERS = sorted(path.stem for path in (DOCS / "tutorial").glob("*.md") if path.stem != "index")
LARGEST = 12 * 2**20  # bytes of the whole site
NEEDED = {"pictures": ["sphinx"], "commands": ["sphinx", "typer"], "notebooks": ["sphinx", "nbclient"]}
LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


@pytest.fixture
def extension(monkeypatch):
    """What imports a module of those that build the site."""
    monkeypatch.syspath_prepend(DOCS / "_ext")

    def found(name):
        for package in NEEDED.get(name, ()):
            pytest.importorskip(package, reason=f"{package} is not installed: pip install 'tconv[docs]'")
        return importlib.import_module(name)

    return found


class Page(HTMLParser):
    """A built page: its links, its anchors, what it loads."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.loads = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        self.anchors.add(said.get("id"))
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        if said.get(LOADS.get(tag)):
            self.loads.append(said[LOADS[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for package in ("sphinx", "myst_parser", "furo", "nbclient", "jax", "torch", "tensorflow", "typer"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install 'tconv[all,docs]'")
    out = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", DOCS, out / "html"]
    done = subprocess.run([*words, "-d", out / "doctrees"], capture_output=True, text=True,
                          env={**os.environ, "KERAS_BACKEND": "jax"})
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "html"


def pages(site):
    return {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}


@pytest.mark.verify
def test_every_internal_link_leads_to_a_page_and_a_place_on_it(site):
    built = pages(site)
    assert len(built) > 40
    for path, page in built.items():
        for link in (link for link in [*page.links, *page.loads] if not urlsplit(link).scheme):
            where = urlsplit(link)
            target = (path.parent / unquote(where.path)).resolve() if where.path else path
            assert target.exists(), f"{path.name}: {link}"
            if where.fragment and target.name != "interactive.html" and target in built:
                assert unquote(where.fragment) in built[target].anchors, f"{path.name}: {link}"


@pytest.mark.verify
def test_no_page_loads_anything_from_elsewhere(site):
    loads = [(path.name, load) for path, page in pages(site).items() for load in page.loads]
    assert not [(name, load) for name, load in loads if urlsplit(load).scheme not in ("", "data")]
    assert "@import" not in "".join(path.read_text("utf-8") for path in site.rglob("*.css"))


@pytest.mark.verify
def test_each_chapter_is_a_notebook_that_ran(site):
    for chapter in CHAPTERS:
        book = json.loads((site / "notebooks" / f"{chapter}.ipynb").read_text("utf-8"))
        code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        outputs = [output for cell in code for output in cell["outputs"]]
        assert all(cell["execution_count"] for cell in code), chapter
        assert len(outputs) >= 5, chapter
        assert not [output for output in outputs if output["output_type"] == "error"], chapter
        drawn = [output for output in outputs if "image/svg+xml" in output.get("data", {})]
        assert len(drawn) == (DOCS / "tutorial" / f"{chapter}.md").read_text("utf-8").count("```{picture}"), chapter


@pytest.mark.verify
def test_every_picture_says_in_words_what_it_shows(site):
    text = "".join(path.read_text("utf-8") for path in site.rglob("*.html") if path.name != "interactive.html")
    drawn = text.count('<svg xmlns="http://www.w3.org/2000/svg" class="tconv"')
    assert drawn >= 10
    assert text.count("<desc id=") == drawn


@pytest.mark.verify
def test_the_site_is_small(site):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < LARGEST


def test_a_page_falls_into_prose_examples_and_pictures(extension):
    page = "# A\n\n```python\n>>> a = 2\n>>> a * 3\n6\n\n```\n\n```{picture} One\n:sheet: a\ndraw(1)\n```\n\nEnd.\n"
    found = [(part.kind, part.text, part.want) for part in extension("chapters").parts(page)]
    assert found == [("prose", "# A", ""), ("example", "a = 2\na * 3", "6\n"), ("picture", "draw(1)", "One"),
                     ("prose", "End.", "")]


def test_a_notebook_shows_where_it_disagrees_with_its_page(extension):
    notebooks = extension("notebooks")
    book = notebooks.notebook("```python\n>>> 1 + 1\n3\n\n```\n")
    book.cells[0].outputs = [notebooks.nbformat.v4.new_output("execute_result", {"text/plain": "2"})]
    assert notebooks.disagreements(book) == ["1 + 1\ngives\n2\ninstead of\n3\n"]


@pytest.mark.parametrize("name", ["chapters", "pictures", "commands", "notebooks"])
def test_the_examples_of_what_builds_the_site_are_right(extension, name):
    done = doctest.testmod(extension(name))
    assert done.attempted > 0
    assert done.failed == 0


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_chapter_can_be_downloaded(chapter):
    assert "```{notebook}\n```" in (DOCS / "tutorial" / f"{chapter}.md").read_text("utf-8")


def test_every_example_is_a_block_of_code():
    root = Path(__file__).parents[2]
    for page in (*(root / "docs").rglob("*.md"), root / "README.md"):
        prose = "".join(page.read_text("utf-8").split("```")[::2])
        assert not any(line.startswith(">>> ") for line in prose.splitlines()), f"{page}: an example stands in no fence"
