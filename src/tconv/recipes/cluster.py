"""`apply` on a Ray cluster: the same code for each input, by any free worker; Ray repeats what a dead one left.

Ray Data, since it hands out blocks, keeps memory bounded, and starts a worker that died anew, on one machine or many.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingExtra, RankError, SettingError, TconvError
from .applying import Applied, Job, Kept, apply, kept
from .runs import restore

__all__ = ["apply_on_ray"]

HERE = "local"
PATIENCE = 10.0  # seconds to reach the cluster
BLOCK = 16  # inputs that a worker takes at once: what is repeated when it dies


def apply_on_ray(address: str, run: Path, use: str, work: Sequence[Job], folder: Path, *, backend: str | None = None,
                 invert: bool = False, overwrite: bool = False) -> Iterator[Applied]:
    """Use a trained network on inputs that many workers share, and write each result whole.

    Args:
        address: of the cluster, "HOST:PORT"; "auto" for the one that this machine is part of, "local" to start one that
            has this machine's cores and ends with the call.
        run: the training's folder; it, the inputs and `folder` have to be where every worker sees them.
        use: the name of what to do.
        work: the inputs.
        folder: where results go.
        backend: framework under Keras, if another than it was trained on.
        invert: whether pictures are dark on light where the network knows light on dark.
        overwrite: whether results that are there may be replaced.

    Yields:
        What became of each input, in their order; without the pictures for a sheet.

    Raises:
        MissingExtra: if Ray is not installed.
        RankError: if the cluster cannot be reached.
        DataError: if the disk is full.
    """
    if find_spec("ray") is None:
        raise MissingExtra("tconv.recipes", "ray", "ray")
    if not address.strip():
        raise SettingError('apply: the address after --ray is empty; give HOST:PORT, "auto" or "local".')
    import ray

    by_stem = {job.stem: job for job in work}
    _connect(ray, address)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        workers = max(1, min(int(ray.cluster_resources().get("CPU", 1)), -(-len(work) // BLOCK)))
        rows = ray.data.from_items([{"job": _said(job)} for job in work], override_num_blocks=-(-len(work) // BLOCK))
        done = rows.map_batches(
            _Worker, batch_size=BLOCK, batch_format="numpy", num_cpus=1, concurrency=workers,
            fn_constructor_args=(run.resolve(), use, folder.resolve(), kept(work, folder, overwrite), backend, invert))
        for row in done.iter_rows():
            yield _told(row["applied"], by_stem, folder)
    except ray.exceptions.RayError as error:
        raise _cause(error) from None
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    try:
        host, _, port = address.removeprefix("ray://").rpartition(":")
        if host and port.isdecimal():  # Ray itself tries for minutes, then ends the process
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        ray.init(address=None if address == HERE else address, log_to_driver=False, logging_level="error",
                 include_dashboard=False if address == HERE else None)
    except (OSError, ValueError, OverflowError, RuntimeError) as error:
        raise RankError(f"apply: no Ray cluster answers at {address!r} ({str(error).splitlines()[0]}); start one with "
                        "ray start --head and give its HOST:PORT, or --ray local.") from None


class _Worker:
    """Restores the network once, and does block after block."""

    def __init__(self, run: Path, use: str, folder: Path, protected: Kept, backend: str | None, invert: bool):
        recipe, self.trained = restore(run, backend=backend)
        self.use, self.folder, self.kept, self.invert = recipe.uses[use], folder, protected, invert

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        work = [Job(Path(source) if isinstance(source, str) else source, stem)
                for source, stem in map(json.loads, batch["job"])]
        done = apply(self.use, self.trained, work, self.folder, invert=self.invert, protected=self.kept)
        return {"applied": np.array([json.dumps([one.job.stem, [path.name for path in one.written], one.says,
                                                 dict(one.numbers), one.error]) for one in done], object)}


def _said(job: Job) -> str:
    source = job.source
    return json.dumps([source if isinstance(source, int) else str(source.resolve()), job.stem])


def _told(said: str, by_stem: Mapping[str, Job], folder: Path) -> Applied:
    stem, names, says, numbers, error = json.loads(said)
    return Applied(by_stem[stem], tuple(folder / name for name in names), says, numbers, error=error)


def _cause(error: Any) -> Exception:
    """What a worker raised, if it is ours; otherwise what Ray says, in a sentence."""
    inner: Any = error
    while inner is not None:
        if isinstance(inner, TconvError):
            return inner
        inner = getattr(inner, "cause", None) or inner.__cause__
    last = str(error).strip().splitlines()[-1]
    return RankError(f"apply: Ray gave up ({last}); what was written is whole, start again with --overwrite.")
