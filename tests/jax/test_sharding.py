"""Arrays that are split over devices."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tconv import engine

pytest.importorskip("jax")


@pytest.mark.skipif(not engine.available(), reason="XLA shares out its own operations")
def test_each_device_computes_its_part_of_the_batch_and_all_equal_one_device():
    """In a process of its own, since the number of devices is told to XLA at its start."""
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    script = Path(__file__).with_name("on_devices.py")
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "equal\n", done.stderr[-3000:]
