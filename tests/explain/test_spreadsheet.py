"""The workbook: edited as a reader would, recalculated by LibreOffice, and compared with the oracle cell for cell."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

from tconv.errors import MissingExtra, SizeError, UnsupportedError
from tconv.explain import Explanation, explain
from tconv.explain.render import render
from tconv.explain.spreadsheet import xlsx
from tconv.geometry import Problem, Spec, problem_from_coarse, problem_from_fine

from .. import oracle

openpyxl = pytest.importorskip("openpyxl", reason="pip install 'tconv[explain]' brings openpyxl")

WAYS = ("Distribute", "Collect", "Matrix", "Phases", "Result")
SHARED = {"ABS", "AND", "CHOOSE", "COLUMN", "COUNT", "IF", "INDEX", "INT", "MAX", "MMULT", "ROW", "SUM", "SUMPRODUCT"}
AGREE, DISAGREE, NO_NUMBER = "Check: all ways agree", "CHECK: THE WAYS DO NOT AGREE", "Some cell of Data is no number"


@dataclass
class Edited:
    """A workbook in which one number of each kind was changed, an output cell chosen, and a setting tried."""

    told: Explanation
    book: openpyxl.Workbook
    chosen: tuple[int, ...]
    tried: np.ndarray


def problem(random, rank, transposed):
    """A random small setting, met by sizes."""
    while True:
        kernel, stride, dilation = (tuple(map(int, random.integers(1, most + 1, rank))) for most in (3, 3, 2))
        crop = [tuple(map(int, pair)) for pair in random.integers(-2, 3, (rank, 2))]
        spec = Spec.of(kernel=kernel, stride=stride, dilation=dilation, crop=crop, groups=int(random.integers(1, 3)))
        size = [int(n) for n in random.integers(1, (4 if transposed else 7) + (rank == 1) * 3, rank)]
        try:
            return problem_from_coarse(spec, size) if transposed else problem_from_fine(spec, size)
        except ValueError:
            continue  # the crop leaves nothing, or the kernel does not fit


def told(seed):
    """A random layer with random integers."""
    random = np.random.default_rng(seed)
    transposed = bool(seed % 2)
    setting = problem(random, 1 + seed // 2 % 2, transposed)
    ins, outs = (int(n) for n in random.integers(1, 3, 2))
    coarse, fine = ins * setting.groups, outs * setting.groups
    shape = (*setting.coarse, coarse) if transposed else (*setting.fine, fine)
    bias = random.integers(-9, 10, fine if transposed else coarse) if seed % 3 else None
    return explain(random.integers(-9, 10, shape), random.integers(-9, 10, (*setting.kernel, outs, coarse)),
                   problem=setting, transposed=transposed, bias=bias)


def opened(one):
    return openpyxl.load_workbook(io.BytesIO(xlsx(one)))


def area(book, name):
    """The cells that a name of the workbook stands for, in rows."""
    sheet, place = book.defined_names[name].attr_text.split("!")
    cells = book[sheet.strip("'$")][place.replace("$", "")]
    return cells if isinstance(cells, tuple) else ((cells,),)


def values(book, name):
    return np.array([[cell.value for cell in row] for row in area(book, name)], object)


def change(book, name, array, at, value):
    """Type a value into the cell of a named grid that shows `array[at]`, and into the array."""
    row, column = (0, *at)[-2:]
    cell = area(book, name)[row][column]
    assert cell.value == array[at]
    cell.value = array[at] = value


def edited(seed):
    """A random workbook, with one number of each kind changed as a reader would change it."""
    one, random = told(seed), np.random.default_rng(seed + 1000)
    one = replace(one, x=one.x.copy(), kernel=one.kernel.copy(),
                  bias=np.zeros(one.result.shape[-1], int) if one.bias is None else one.bias.copy())
    book = opened(one)
    *cell, c = (int(random.integers(size)) for size in one.x.shape)
    change(book, f"Input_{c}", one.x[..., c], tuple(cell), 50 + seed)
    *tap, row, column = (int(random.integers(size)) for size in one.kernel.shape)
    change(book, f"Kernel_{row}_{column}", one.kernel[..., row, column], tuple(tap), -20 - seed)
    change(book, "Bias", one.bias, (0,), 1000)
    chosen = [int(random.integers(size)) for size in one.result.shape]
    for place, value in zip(area(book, "Chosen")[0], [chosen[-1], *[0, *chosen[:-1]][-2:]], strict=True):
        place.value = value
    tried = random.integers((1, 1, -1, -1), (4, 3, 3, 3), (one.problem.rank, 4))
    for row, settings in zip(area(book, "Try_setting"), tried.tolist(), strict=True):
        for place, value in zip(row, settings, strict=False):
            place.value = value
    return Edited(one, book, tuple(chosen), tried)


def broken():
    """Two workbooks gone wrong: a formula of one way is spoilt; a word stands where a number should."""
    spoilt, worded = opened(told(1)), opened(told(2))
    place = area(spoilt, "Collect_0")[0][0]
    place.value += "+1"
    area(worded, "Input_0")[0][0].value = "three"
    return [spoilt, worded]


def recalculate(books, folder):
    """The workbooks as LibreOffice computes them, in one call."""
    if not shutil.which("soffice"):
        pytest.skip("LibreOffice recalculates the workbooks; apt-get install libreoffice-calc brings it")
    paths = [folder / f"{number}.xlsx" for number in range(len(books))]
    for book, path in zip(books, paths, strict=True):
        book.save(path)
    command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "xlsx",
               "--outdir", str(folder / "done"), *map(str, paths)]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return [openpyxl.load_workbook(folder / "done" / path.name, data_only=True) for path in paths]


@pytest.fixture(scope="module", params=[8, pytest.param(50, marks=pytest.mark.verify)], ids=["8", "50"])
def recalculated(request, tmp_path_factory):
    every = [edited(seed) for seed in range(request.param)]
    wrong = broken()
    done = recalculate([*(one.book for one in every), *wrong], tmp_path_factory.mktemp("books"))
    right = [replace(one, book=book) for one, book in zip(every, done[:len(every)], strict=True)]
    return right, done[len(every):]


@pytest.fixture
def right(recalculated):
    return recalculated[0]


def truth(one, setting, bias=None):
    """What the oracle makes of the numbers under a setting."""
    grid = {"fine": setting.fine} if one.transposed else {"coarse": setting.coarse}
    layer = oracle.conv_transpose if one.transposed else oracle.conv
    result = layer(one.x[None], one.kernel, stride=setting.stride, dilation=setting.dilation, lo=setting.lo,
                   groups=setting.groups, **grid)[0]
    return result + (one.bias if bias is None else bias)


def shown(book, name, channels, rank):
    """A result of the workbook as an array, channels last."""
    grids = [values(book, f"{name}_{channel}") for channel in range(channels)]
    return np.stack([grid[0] if rank == 1 else grid for grid in grids], -1)


def test_every_way_follows_a_changed_cell_exactly(right):
    for one in right:
        want = truth(one.told, one.told.problem)
        for way in WAYS:
            got = shown(one.book, way, want.shape[-1], one.told.problem.rank)
            assert (got == want).all(), (way, one.told.problem)


def test_the_check_row_of_every_sheet_says_that_all_ways_agree(right):
    for one in right:
        assert {sheet["B2"].value for sheet in one.book} == {AGREE}


def test_the_check_row_tells_a_wrong_formula_and_a_word(recalculated):
    spoilt, worded = recalculated[1]
    assert {sheet["B2"].value for sheet in spoilt} == {DISAGREE}
    assert {sheet["B2"].value for sheet in worded} == {NO_NUMBER}


def test_no_cell_holds_an_error(right):
    for one in right:
        for sheet in one.book:
            wrong = [cell.coordinate for row in sheet for cell in row if cell.data_type == "e"]
            assert not wrong, (sheet.title, wrong, one.told.problem)


def test_the_chosen_cell_is_the_sum_of_its_products_and_the_bias(right):
    for one in right:
        want = truth(one.told, one.told.problem)[one.chosen]
        bias, added, collected = values(one.book, "Chosen_value")[0]
        assert (bias, added, collected) == (one.told.bias[one.chosen[-1]], want, want)


def varied(one, stride, dilation, lo, hi):
    """The problem of the same input under another setting, or None where nothing is left."""
    old = one.problem
    rows = list(zip(one.x.shape, old.kernel, stride, dilation, lo, hi, strict=False))
    if one.transposed:
        coarse, fine = old.coarse, tuple((n - 1) * s + (k - 1) * d + 1 - a - b for n, k, s, d, a, b in rows)
    else:
        coarse, fine = tuple((n + a + b - (k - 1) * d - 1) // s + 1 for n, k, s, d, a, b in rows), old.fine
    found = Problem(old.kernel, tuple(stride), tuple(dilation), tuple(lo), coarse, fine, old.groups)
    return found if min(coarse + fine) > 0 else None


def variant(one, sheet, number):
    """The problem of a variant, or None where the sheet has none."""
    rank = one.problem.rank
    if sheet == "Padding":
        crop = (number,) * rank
        return varied(one, one.problem.stride, one.problem.dilation, crop, crop) if number < 3 else None
    return varied(one, (number,) * rank, one.problem.dilation, (0,) * rank, (0,) * rank) if number else None


def test_paddings_and_strides_are_what_the_oracle_says(right):
    for one, (sheet, number) in product(right, product(("Padding", "Stride"), range(4))):
        setting, name = variant(one.told, sheet, number), f"{sheet}_{number}"
        assert (f"{name}_0" in one.book.defined_names) == (setting is not None), (name, one.told.problem)
        if setting is not None:
            want = truth(one.told, setting)
            assert (shown(one.book, name, want.shape[-1], setting.rank) == want).all(), (name, one.told.problem)


def test_a_setting_that_is_typed_in_gives_what_the_oracle_says(right):
    for one in right:
        setting = varied(one.told, *map(tuple, one.tried.T.tolist()))
        got = values(one.book, "Try")
        if setting is None:
            assert set(got.ravel()) <= {None, ""}
            continue
        want = truth(one.told, setting)[..., 0]
        want = want[None] if want.ndim == 1 else want
        rows, columns = (min(pair) for pair in zip(want.shape, got.shape, strict=True))
        assert (got[:rows, :columns] == want[:rows, :columns]).all(), setting
        assert set(got[rows:].ravel()) | set(got[:, columns:].ravel()) <= {None, ""}


def test_the_matrix_is_that_of_the_convolution_and_its_transpose_leads_back(right):
    for one in right:
        made = truth(one.told, one.told.problem, bias=0)
        back = replace(one.told, x=made, transposed=not one.told.transposed)
        want = np.moveaxis(truth(back, back.problem, bias=0), -1, 0).ravel()
        assert (values(one.book, "Back")[:, 0] == want).all()


@pytest.fixture(scope="module")
def books():
    return [opened(told(seed)) for seed in range(4)]


def formulas(book):
    return [(sheet, cell) for sheet in book for row in sheet for cell in row if isinstance(cell.value, str)
            and cell.value.startswith("=")]


def test_every_number_that_is_neither_data_nor_added_is_a_formula(books):
    free = {"tconv added", "tconv index", "tconv count"}
    for book in books:
        for sheet in book.worksheets[1:]:
            plain = [cell.coordinate for row in sheet for cell in row if isinstance(cell.value, int | float)
                     and cell.style not in free and not cell.style.endswith("edit")]
            assert not plain, sheet.title


def test_only_the_data_the_chosen_cell_and_the_setting_to_try_are_marked_for_editing(books):
    for book in books:
        marked = {sheet.title for sheet in book.worksheets[1:] for row in sheet for cell in row
                  if cell.style.endswith("edit")}
        assert marked == {"Data", "Cell", "Try"}


def test_formulas_take_only_functions_that_excel_libreoffice_and_google_sheets_share(books):
    for book in books:
        used = {name for _, cell in formulas(book) for name in re.findall(r"([A-Z][A-Z.]*)\(", cell.value)}
        assert used <= SHARED


def test_the_first_sheet_leads_to_every_other(books):
    for book in books:
        links = [cell.hyperlink.location for row in book["Start"] for cell in row if cell.hyperlink]
        assert links == [f"{name}!A1" for name in book.sheetnames[1:]]


def test_what_marks_a_cell_looks_only_at_its_own_sheet(books):
    rules = [rule for book in books for sheet in book for found in sheet.conditional_formatting for rule in found.rules]
    assert rules
    assert not [formula for rule in rules for formula in rule.formula if "!" in formula]


def test_nothing_is_protected_and_every_sheet_is_ready_for_print(books):
    for book in books:
        for sheet in book:
            assert not sheet.protection.sheet
            assert sheet.freeze_panes == "A4"
            assert sheet.page_setup.fitToWidth == 1
            assert sheet.print_title_rows == "$1:$2"


def test_the_table_of_renderers_makes_the_same_workbook():
    one = told(1)
    book = openpyxl.load_workbook(io.BytesIO(render(one, format="xlsx")))
    assert [cell.value for _, cell in formulas(book)] == [cell.value for _, cell in formulas(opened(one))]


def test_fractions_keep_their_value():
    one = explain([0.1, 2.5], [1.25], problem=problem_from_coarse(Spec.of(kernel=(1,)), (2,)))
    assert values(opened(one), "Input_0").tolist() == [[0.1, 2.5]]
    assert values(opened(one), "Kernel_0_0").tolist() == [[1.25]]


def test_the_longest_formula_fits_into_every_program():
    setting = problem_from_fine(Spec.of(kernel=(4, 5)), (4, 5))
    one = explain(np.ones((4, 5, 10)), np.ones((4, 5, 10, 1)), problem=setting, transposed=False)
    longest = max((cell.value for _, cell in formulas(opened(one))), key=len)
    assert longest.count("*") == 200
    assert len(longest) < 8192


@pytest.mark.parametrize(("size", "kernel", "says"), [
    ((14, 14, 1), (3, 3, 1, 1), r"of shape \(14, 14, 1\) .* 152,292 cells of formulas; .* has 40,000 at most\. Take"),
    ((1, 1, 1), (30, 30, 1, 1), "900 rows or columns of the matrix; a workbook that one can read has 500"),
    ((2, 6), (1, 6, 6), "36 kernels between channels; a workbook that one can read has 30"),
])
def test_a_workbook_that_nobody_can_read_is_refused(size, kernel, says):
    setting = Spec.of(kernel=kernel[:-2])
    one = explain(np.ones(size), np.ones(kernel), problem=problem_from_coarse(setting, size[:-1]))
    with pytest.raises(SizeError, match=says):
        xlsx(one)


def test_a_formula_that_not_every_program_takes_is_refused():
    one = explain(np.ones((15, 15)), np.ones((15, 15)), transposed=False,
                  problem=problem_from_fine(Spec.of(kernel=(15, 15)), (15, 15)))
    with pytest.raises(SizeError, match="225 products in one formula; a workbook that one can read has 200"):
        xlsx(one)


def test_an_empty_grid_is_refused():
    one = explain(np.ones((0, 1)), np.ones((1, 1, 1)), problem=problem_from_coarse(Spec.of(kernel=(1,)), (0,)))
    with pytest.raises(SizeError, match=r"shape \(0, 1\) have no cell to show"):
        xlsx(one)


def test_three_axes_are_refused_with_what_serves():
    spec = Spec.of(kernel=(1, 1, 1))
    one = explain(np.ones((2, 2, 2)), np.ones((1, 1, 1)), problem=problem_from_coarse(spec, (2, 2, 2)))
    with pytest.raises(UnsupportedError, match="3 axes, and a sheet has two; take one slice"):
        xlsx(one)


def test_without_openpyxl_the_message_gives_the_pip_line(monkeypatch):
    one = explain([1], [1], problem=problem_from_coarse(Spec.of(kernel=(1,)), (1,)))
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(MissingExtra, match=r"needs the package 'openpyxl'.*tconv\[explain\]"):
        xlsx(one)
