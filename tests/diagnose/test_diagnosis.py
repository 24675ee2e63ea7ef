"""Patterns in samples: planted ones are found with their strength, natural ones are let be."""

import math
from fractions import Fraction

import numpy as np
import pytest

from tconv.diagnose import diagnosis, spectrum
from tconv.errors import SettingError, ShapeError


def coloured(shape, seed, fall=1.0):
    """Noise whose power falls with the frequency, as in natural pictures."""
    numbers = np.random.default_rng(seed)
    steps = np.meshgrid(*(np.fft.fftfreq(size) for size in shape), indexing="ij")
    height = np.sqrt(sum(step**2 for step in steps))
    height.flat[0] = 1
    waves = np.fft.fftn(numbers.normal(size=shape)) / height**fall
    waves.flat[0] = 0
    return np.fft.ifftn(waves).real[..., None]


def test_white_noise_of_variance_one_has_power_one_everywhere():
    power = spectrum(np.random.default_rng(0).normal(size=(200, 64, 64, 1))).power
    flat = np.delete(power.ravel(), [0, 1, 63, 64, 65, 127, 63 * 64, 63 * 64 + 1, 64 * 64 - 1])
    assert abs(flat.mean() - 1) < 0.01
    assert 0.7 < flat.min() < flat.max() < 1.35


def test_a_planted_pattern_is_found_at_its_frequency_and_with_its_energy():
    stripes = np.tile([0.01, -0.01], 32)[None, :, None]
    found = diagnosis([coloured((64, 64), seed) + 64 * stripes for seed in range(32)], periods=(2, 4))
    best = found.period(2).peaks[0]
    assert best.frequency == (Fraction(0), Fraction(1, 2))
    assert found.period(2).found
    assert not found.period(4).found
    # A wave of amplitude a through a Hann window with mean square 1 has power (2 / 3) ** axes * a**2 * samples.
    assert found.period(2).peaks[0].waves == 1
    assert best.power - best.natural == pytest.approx(4 / 9 * 0.64**2 * 64**2, rel=0.1)


@pytest.mark.parametrize("shape", [(4096,), (64, 64), (96, 200)])
def test_natural_samples_have_no_pattern(shape):
    wrong = [diagnosis([coloured(shape, 100 * trial + n) for n in range(8)]).found for trial in range(20)]
    assert not any(wrong)


def test_a_sound_with_a_tone_at_the_stride_is_caught():
    time = np.arange(16384)
    sound = coloured((16384,), 0, fall=0.5)[:, 0] + np.sin(2 * math.pi * time / 8)
    found = diagnosis([sound[:, None]], periods=(8,))
    assert found.found == found.periods
    assert found.periods[0].peaks[0].frequency == (Fraction(1, 8),)


def test_samples_of_different_sizes_count_together():
    pictures = [coloured((64, 80), 1), coloured((130, 64), 2)]
    assert spectrum(pictures, period=8).patches == 1 + 3
    assert spectrum(pictures, period=8).power.shape == (64, 64)


def test_a_pattern_of_period_four_is_not_called_one_of_period_two():
    tile = np.tile([1.0, 0, -1.0, 0], 16)[None, :, None]
    found = diagnosis([coloured((64, 64), seed) + tile for seed in range(16)], periods=(2, 4, 8))
    assert [period.period for period in found.found] == [4]


def test_what_cannot_be_diagnosed_is_said():
    with pytest.raises(ShapeError, match="smallest sample has a side of 20, but a period of 4 takes 32"):
        diagnosis([np.zeros((20, 64, 1))], periods=(2, 4))
    with pytest.raises(SettingError, match="period is 1, but has to be a whole number >= 2"):
        diagnosis([np.zeros((64, 64, 1))], periods=(1,))
    with pytest.raises(SettingError, match="periods is empty"):
        diagnosis([np.zeros((64, 64, 1))], periods=())
    with pytest.raises(ShapeError, match="have to be one or more of"):
        diagnosis([])
    with pytest.raises(ShapeError, match="have to be one or more of"):
        diagnosis([np.zeros((64, 64, 1)), np.zeros((64, 1))])
