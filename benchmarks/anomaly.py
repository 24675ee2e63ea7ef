"""Each digit held out in turn: how well an autoencoder's errors find it, beside those of principal components.

    python benchmarks/anomaly.py --sense normal --limit 10000 --epochs 10

prints one row a digit and the means; the trainings lie in --out, each with its report, and are resumed if cut short.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from tconv import report
from tconv.files import write_whole
from tconv.recipes import resume, start
from tconv.recipes.autoencoder import Settings
from tconv.recipes.checkpoint import NAME


def trained(settings: Settings, folder: Path) -> tuple[float, float]:
    """The areas under the ROC curves of the network and of principal components."""
    run = (resume(folder) if (folder / NAME).exists() else start(settings, folder)).train()
    facts, judged = report.run_facts(run)
    write_whole(folder / "facts.json", facts.json())
    write_whole(folder / "report.html", report.page(facts, judged.sections))
    figure = facts.figures[0]
    return figure.value, next(value for name, value in figure.baselines.items() if name.startswith("PCA"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sense", choices=("normal", "target"), default="normal")
    parser.add_argument("--limit", type=int, help="train on the first so many digits only")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--code", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/anomaly"))
    given = parser.parse_args()
    rows = []
    for digit in range(10):
        settings = Settings(task="anomaly", sense=given.sense, digit=digit, limit=given.limit, epochs=given.epochs,
                            batch_size=given.batch_size, code=(given.code,), seed=given.seed)
        rows.append(trained(settings, given.out / f"{given.sense}-{digit}"))
        print(f"{digit}  autoencoder {rows[-1][0]:.4f}  PCA {rows[-1][1]:.4f}", flush=True)
    ours, theirs = np.mean(rows, axis=0)
    print(f"mean of ten  autoencoder {ours:.4f}  PCA {theirs:.4f}")


if __name__ == "__main__":
    sys.exit(main())
