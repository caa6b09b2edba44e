"""compute_metrics in Hugging Face's Trainer, with a model of its own that needs no weights from outside."""

from pathlib import Path

import lossary
import numpy as np
import pytest
import torch
from lossary.hooks.transformers import compute_metrics
from torch.utils.data import Dataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertForTokenClassification,
    Trainer,
    TrainingArguments,
)

from tests.hooks.conftest import Table

SMALL = BertConfig(
    vocab_size=12, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=2
)


class Words(Dataset):  # type: ignore[type-arg] # torch's generic
    """Tumours as sentences: each measurement as one of ten words. `tagged`: a label a word, the first left out."""

    def __init__(self, table: Table, *, tagged: bool) -> None:
        inputs, targets = table
        self._words = torch.from_numpy(np.clip(np.round(inputs[:, :8] * 2 + 6), 0, 11).astype(np.int64))
        self._targets, self._tagged = torch.from_numpy(targets.astype(np.int64)), tagged

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, place: int) -> dict[str, torch.Tensor]:
        words, label = self._words[place], self._targets[place]
        if self._tagged:
            label = (words > 6).long()
            label[0] = -100
        return {"input_ids": words, "attention_mask": torch.ones_like(words), "labels": label}


@pytest.mark.parametrize(
    ("model", "tagged"), [(BertForSequenceClassification, False), (BertForTokenClassification, True)]
)
def test_an_evaluation_has_what_the_loss_says(
    client: lossary.Client, tumours: Table, tmp_path: Path, model: type, *, tagged: bool
) -> None:
    torch.manual_seed(0)
    words = Words((tumours[0][:200], tumours[1][:200]), tagged=tagged)
    options = TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=1,
        report_to=[],
        eval_strategy="epoch",
        use_cpu=True,
        save_strategy="no",
        per_device_eval_batch_size=200,
    )
    trainer = Trainer(
        model(SMALL),
        options,
        train_dataset=words,
        eval_dataset=words,
        compute_metrics=compute_metrics(client, ["sparse_categorical_ce", "focal_softmax"]),
    )

    trainer.train()

    logged = next(entry for entry in trainer.state.log_history if "eval_loss" in entry)
    own = logged["eval_loss"]  # the model computes it too
    assert logged["eval_lossary/sparse_categorical_ce"] == pytest.approx(own, rel=1e-4)
    assert logged["eval_lossary/focal_softmax"] > 0
    assert 0 < logged["eval_lossary/sparse_categorical_ce.top_10_percent_share"] < 1
