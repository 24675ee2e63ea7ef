"""`--task anomaly`: what a network cannot give back is not what it has learned.

In one sense it learns what is normal, and a high error says that something is not; in the other one it learns the
target, and a low error says that the target is there. Either way a code of few numbers has no room for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from ..data import Digits
from ..data.images import small
from ..recipe import Data, Figure, Gallery, Judged, Made, Plot, Trained, Use
from . import compress
from .pca import Components, components
from .pictures import SHOWN, as_input, as_pixels, digits, gallery, labelled, of_digits, predicted
from .settings import Settings

__all__ = ["TASK", "auc", "errors", "roc"]

ALLOWED = 0.05  # of what was learned may be taken for something else
MOST_POINTS = 200
FEWEST = 10
Sight = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Tests:
    """Images to be told apart: those like what was learned, and the others, uint8 `(N, 28, 28)`."""

    learned: Array
    others: Array


def data(settings: Settings) -> Data:
    """All digits but one to learn, or that one alone; the tests have both kinds."""
    found = labelled(digits(settings), settings)
    learned = [_learned(labels, settings) for labels in (found.train_labels, found.test_labels)]
    counts = [int(kind.sum()) for kind in (*learned, ~learned[1])]
    if min(counts) < FEWEST:
        raise DataError(f"autoencoder: of {found.source}, digit {settings.digit} leaves {counts[0]} images to learn "
                        f"from, and {counts[1]} and {counts[2]} to be told apart, but there have to be {FEWEST} of "
                        "each; give another --digit, or more images.")
    kept = of_digits(Digits(found.train[learned[0]], found.test[learned[1]], found.source))
    tests = Tests(found.test[learned[1]], found.test[~learned[1]])
    return replace(kept, test=tests, digest=found.digest, counts={**kept.counts, "others": len(tests.others)})


def _learned(labels: Array | None, settings: Settings) -> Array:
    same = np.asarray(labels) == settings.digit
    return same if settings.sense == "target" else ~same


def errors(images: Array, made: Array) -> Array:
    """How far each image is from what was made of it: the squared difference as a share of the image's own square."""
    axes = tuple(range(1, images.ndim))
    return np.square(images - made).sum(axis=axes) / np.maximum(np.square(images).sum(axis=axes), 1e-6)


def roc(learned: Array, others: Array) -> tuple[Array, Array]:
    """Shares of the learned and of the others whose errors lie above each threshold, from the highest to none.

    >>> [share.tolist() for share in roc(np.array([1.0, 3.0]), np.array([2.0, 4.0]))]
    [[0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0]]
    """
    thresholds = np.unique(np.concatenate([learned, others]))[::-1]
    return tuple(np.concatenate([[0.0], 1 - np.searchsorted(np.sort(kind), thresholds, "left") / len(kind)])
                 for kind in (learned, others))  # type: ignore[return-value]


def auc(learned: Array, others: Array) -> float:
    """How often an error of the others is larger than one of the learned, equal ones counting half.

    >>> auc(np.array([1.0, 3.0]), np.array([2.0, 4.0])), auc(np.array([1.0]), np.array([1.0]))
    (0.75, 0.5)
    """
    ordered = np.sort(learned)
    below = np.searchsorted(ordered, others, "left") + np.searchsorted(ordered, others, "right")
    return float(below.mean() / (2 * len(learned)))


def judge(trained: Trained, data: Data) -> Judged:
    """How well errors tell the two kinds apart, beside those of principal components of equal number."""
    size = max(trained.settings.code)
    linear = components(as_input(data.train.images), size)  # type: ignore[attr-defined]
    ours, theirs = (_told(sight, data.test) for sight in (_network(trained), _linear(linear, size)))
    validation = as_input(data.validation.images)  # type: ignore[union-attr]
    threshold = float(np.quantile(errors(validation, predicted(trained, validation)), 1 - ALLOWED))
    false, true = (float((kind > threshold).mean()) for kind in ours)
    curves = {"ours": _thinned(*roc(*ours)), "PCA": _thinned(*roc(*theirs)), "chance": ([0.0, 1.0], [0.0, 1.0])}
    target = trained.settings.sense == "target"
    digit = trained.settings.digit
    return Judged(
        f"Finding the digit {digit}",
        (f"A network that learned the digit {digit} alone: a low error says that it is there."
         if target else f"A network that learned all digits but {digit}: a high error says that something is unusual."),
        [Figure("area under the ROC curve", auc(*ours), f"{len(ours[0]):,} like what it learned and {len(ours[1]):,} "
                "unlike it", digits=4, baselines={f"PCA, {size} components": auc(*theirs), "chance": 0.5}),
         Figure("of the others told" if target else "of the unusual found", true, f"{len(ours[1]):,} test images",
                digits=3, baselines={"of the learned, taken for others": false})],
        [*_galleries(trained, data.test, ours),
         Plot("Threshold by threshold", "The dot is the threshold that is kept for use: one of twenty validation "
              "images has an error above it.", "share of what was learned that lies above the threshold",
              "share of the others that lies above it", curves, marks={"the threshold": (false, true)})],
        kept={"threshold": threshold},
    )


def _network(trained: Trained) -> Sight:
    return lambda images: predicted(trained, images)


def _linear(linear: Components, size: int) -> Sight:
    return lambda images: linear.given_back(images, size)


def _told(sight: Sight, tests: Tests) -> tuple[Array, Array]:
    learned, others = (errors(images, sight(images)) for images in map(as_input, (tests.learned, tests.others)))
    return learned, others


def _thinned(across: Array, up: Array) -> tuple[list[float], list[float]]:
    places = np.unique(np.linspace(0, len(across) - 1, MOST_POINTS).round().astype(int))
    return across[places].tolist(), up[places].tolist()


def _galleries(trained: Trained, tests: Tests, ours: tuple[Array, Array]) -> list[Gallery]:
    both = np.concatenate([tests.learned, tests.others])[np.argsort(-np.concatenate(ours), kind="stable")]
    told = [("Like what it learned", tests.learned, "The first test images of the kind that it learned."),
            ("Unlike it", tests.others, "The first test images of the other kind."),
            ("The highest errors of all", both, "Test images of both kinds.")]
    return [gallery(title, f"{says} Below each, what the network made of it.", test_image=as_input(images[:SHOWN]),
                    given_back=predicted(trained, as_input(images[:SHOWN]))) for title, images, says in told]


def score(trained: Trained) -> Callable[[Array], Made]:
    """A grey picture to its error, and what that says."""
    threshold = trained.kept.get("threshold")
    if threshold is None:
        raise DataError(f"{trained.folder}: has no threshold yet; let the training end first: tconv train autoencoder "
                        f"--resume {trained.folder}")
    words = ("the target", "something else") if trained.settings.sense == "target" else ("normal", "unusual")

    def made(pixels: Array) -> Made:
        image = as_input(small(pixels)[None])
        back = predicted(trained, image)
        error = float(errors(image, back)[0])
        said = words[error > threshold]
        return Made({"-reconstructed.png": as_pixels(back)[0]}, f"{said}: error {error:.4f}, threshold {threshold:.4f}",
                    {"error": error, "threshold": threshold, "unlike": float(error > threshold)},
                    (as_pixels(image)[0], as_pixels(back)[0]))

    return made


TASK = replace(
    compress.TASK,
    says="Learn what is normal, or what is sought, and tell by the error.",
    data=data,
    judge=judge,
    uses={"score": Use("Each picture, made grey and 28x28: its error, and on which side of the threshold it lies.",
                       score, "grey"), **compress.TASK.uses},
)
