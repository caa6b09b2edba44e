"""The Keras callback, in real trainings."""

import keras
import lossary
import numpy as np
import pytest
from lossary.hooks.keras import LossCallback

from tests.hooks.conftest import Table


def small() -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    return model


def test_the_history_has_what_the_losses_say_of_each_epoch(client: lossary.Client, diabetes: Table) -> None:
    inputs, targets = diabetes
    validation = inputs[300:], targets[300:]
    model = small()

    callback = LossCallback(client, ["mse", "huber(delta=0.5)"], validation_data=validation)
    history = model.fit(
        inputs[:300], targets[:300], epochs=3, verbose=0, validation_data=validation, callbacks=[callback]
    )

    logged = history.history
    assert logged["lossary/mse"] == pytest.approx(logged["val_loss"], rel=1e-4)  # Keras computes it too
    assert len(logged["lossary/huber(delta=0.5)"]) == 3
    assert all(0 < share < 1 for share in logged["lossary/mse.top_1_percent_share"])
    own = float(np.mean((model.predict(validation[0], verbose=0)[:, 0] - validation[1]) ** 2))
    assert logged["lossary/mse"][-1] == pytest.approx(own, rel=1e-4)


def test_training_may_stop_by_a_loss_that_it_does_not_train_on(client: lossary.Client, diabetes: Table) -> None:
    inputs, targets = diabetes
    watched = LossCallback(client, "mae", validation_data=(inputs[300:], targets[300:]))
    stop = keras.callbacks.EarlyStopping(monitor="lossary/mae", mode="min", min_delta=10.0, patience=1)

    history = small().fit(inputs[:300], targets[:300], epochs=9, verbose=0, callbacks=[watched, stop])

    assert len(history.history["lossary/mae"]) == 2


def test_training_goes_on_where_the_service_is_gone(nobody: lossary.Client, diabetes: Table) -> None:
    inputs, targets = diabetes
    callback = LossCallback(nobody, "mae", validation_data=(inputs[300:], targets[300:]))

    with pytest.warns(UserWarning, match="reports nothing this time"):
        history = small().fit(inputs[:300], targets[:300], epochs=2, verbose=0, callbacks=[callback])

    assert len(history.history["loss"]) == 2
    assert "lossary/mae" not in history.history


def test_a_loss_that_there_is_not_is_said_at_once(client: lossary.Client, diabetes: Table) -> None:
    inputs, targets = diabetes
    callback = LossCallback(client, "hubber", validation_data=(inputs[300:], targets[300:]))

    with pytest.raises(lossary.Refused, match="Did you mean huber"):
        small().fit(inputs[:300], targets[:300], epochs=2, verbose=0, callbacks=[callback])
