"""A small convnet learns MNIST in a minute or two, and is then asked what its features answer to.

    pip install 'tconv[recipes]'
    python examples/digits_backwards.py runs/digits

Writes the model, some digits, and for each of its layers a picture: the digit, and what of it the strongest features
saw. The last line of the training is its accuracy on the 10,000 test digits.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import tconv.keras
from tconv.cli.deconvnet import drawn
from tconv.files import write_whole
from tconv.models.deconvnet import answers, project
from tconv.recipes.data import load
from tconv.report import png

LAYERS = ("edges", "strokes", "parts")
FEATURES = 6
SHOWN = (0, 3, 8)  # a 7, a 0, a 5


def convnet() -> keras.Model:
    """Three convolutions, two poolings, one matrix."""
    layers = tconv.keras.layers
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="edges"), layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu", name="strokes"), layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu", name="parts"),
        layers.Flatten(), layers.Dense(10, activation="softmax"),
    ])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    said = parser.parse_args()
    data = load()
    keras.utils.set_random_seed(0)
    model = convnet()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data.train[..., None] / np.float32(255), data.train_labels, batch_size=128, epochs=said.epochs, verbose=2)
    seen = data.test[..., None] / np.float32(255)
    model.evaluate(seen, data.test_labels, batch_size=500, verbose=2)
    said.folder.mkdir(parents=True, exist_ok=True)
    model.save(said.folder / "digits.keras")
    for number in SHOWN:
        write_whole(said.folder / f"digit-{number}.png", png(data.test[number]))
        for layer in LAYERS:
            answer = answers(model, seen[number], layer=layer)
            found = [project(answer, feature) for feature in answer.strongest(FEATURES)]
            write_whole(said.folder / f"digit-{number}-{layer}.png", png(drawn(answer.picture, found)))
    print(f"Look at {said.folder}/digit-*.png, or ask: tconv explain {said.folder}/digits.keras --layer parts "
          f"--feature 0 --image {said.folder}/digit-0.png -o answer.png")


if __name__ == "__main__":
    main()
