"""The quiz: whatever it asks, its answer is Python's, and its wrong answers are wrong."""

import re

import numpy as np
import pytest

from tconv.geometry import Axis, Spec, overlap, problem_from_coarse, problem_from_fine, sources
from tconv.methods.gather import stuffed as stuffed_grid
from tests import oracle
from tests.studio.waiting import settle

KINDS = ("size", "dilated", "crop", "value", "overlap", "even", "matrix", "origin", "stuffed", "weights", "wasted")
COUNT = 330


def numbers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


def named(cells):
    return " and ".join(map(str, sorted(cells))) or "none"


def value(text):
    x, w, rest = re.fullmatch(r"Input ([\d ]+), kernel ([\d ]+), (.*)", text).groups()
    stride, at = numbers(rest)[:2]
    x, w = (np.array(numbers(part)) for part in (x, w))
    fine = (len(x) - 1) * stride + len(w)
    y = oracle.conv_transpose(x.reshape(1, -1, 1), w.reshape(-1, 1, 1), stride=(stride,), dilation=(1,), lo=(0,),
                              fine=(fine,))
    return y[0, at, 0]


def weights(text):
    kernel, _, ins, outs, groups = numbers(text)
    return np.empty((kernel, kernel, outs // groups, ins)).size


def matrix(text):
    size, _, kernel = numbers(text)[:3]
    problem = problem_from_fine(Spec.of((kernel, kernel)), (size, size))
    return f"{np.prod(problem.coarse)} × {np.prod(problem.fine)}"


def origin(text):
    size, kernel, stride, at = numbers(text)[:4]
    return named(cell for cell, _ in sources(Axis(kernel, stride), at, coarse=size))


def useful(text):
    size, kernel, stride, _ = numbers(text)
    problem = problem_from_coarse(Spec.of((kernel,), stride=stride), (size,))
    return sum(len(range(*problem.span(0, tap)[0].indices(size))) for tap in range(kernel))


def size(text):
    coarse, kernel, stride, lo, hi = numbers(text)
    return Axis(kernel, stride, crop=(lo, hi)).fine(coarse)


def dilated(text):
    kernel, dilation, _, coarse = numbers(text)
    return Axis(kernel, 1, dilation).fine(coarse)


def crop(text):
    coarse, fine, kernel, stride = numbers(text)
    return Axis(kernel, stride).fine(coarse) - fine


def stuffed(text):
    coarse, stride = numbers(text)
    return stuffed_grid(np.ones((1, coarse, 1)), problem_from_coarse(Spec.of((1,), stride=stride), (coarse,))).size


ANSWERS = {
    "size": size,
    "dilated": dilated,
    "crop": crop,
    "value": value,
    "overlap": lambda text: ":".join(map(str, overlap(Axis(*numbers(text))))),
    "matrix": matrix,
    "origin": origin,
    "stuffed": stuffed,
    "weights": weights,
    "wasted": useful,
}


@pytest.fixture(scope="module")
def asked(chromium, served):
    page = chromium.new_page()
    page.goto(served)
    yield page.evaluate("count => Array.from({length: count}, (_, i) => studio.question(i + 1))", COUNT)
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_python_s_and_the_others_are_not(asked, kind):
    mine = [question for question in asked if question["kind"] == kind]
    assert len(mine) == COUNT // len(KINDS)
    for question in mine:
        choices = question["choices"]
        assert len(set(choices)) == 4
        if kind == "even":
            stride, = numbers(question["text"])
            assert [int(choice) % stride == 0 for choice in choices] == [i == question["answer"] for i in range(4)]
        else:
            assert choices[question["answer"]] == str(ANSWERS[kind](question["text"])), question


def test_a_question_is_answered_scored_and_shown_in_the_layer(opened):
    page = opened("tab=quiz&question=2")
    right = page.evaluate("studio.question(2)")
    page.locator(".option").nth((right["answer"] + 1) % 4).click()
    settle(page)
    assert page.locator(".why").inner_text().startswith("Not so. ")
    assert page.locator("#quiz .quiet").first.inner_text() == "Question 2 · 0 of 1 right"
    page.locator(".option").nth(right["answer"]).click(force=True)  # a second answer does not count
    settle(page)
    assert page.locator(".option.right").inner_text().split() == ["✓", right["choices"][right["answer"]], "(right)"]
    page.get_by_role("button", name="Next question").click()
    settle(page)
    third = page.evaluate("studio.question(3)")
    page.locator(".option").nth(third["answer"]).click()
    settle(page)
    assert page.locator(".why").inner_text() == f"Right. {third['why']}"
    page.get_by_role("button", name="Back").click()
    settle(page)
    page.get_by_role("button", name="See it in the layer").click()
    settle(page)
    assert page.evaluate("[studio.app.state.tab, studio.app.state.kernel]") == ["layer", right["state"]["kernel"]]
