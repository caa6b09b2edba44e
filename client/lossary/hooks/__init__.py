"""Hooks for training loops, a file a library: what losses make of a model's predictions, logged while it trains.

Each needs its library and is an extra: pip install 'lossary[keras]'. A hook reports of each objective its value, and
how the absolute gradient is shared: lossary/mse, lossary/mse.top_1_percent_share, lossary/mse.zero_share.

    lossary.hooks.keras.LossCallback            model.fit(callbacks=[...])
    lossary.hooks.lightning.LossCallback        Trainer(callbacks=[...])
    lossary.hooks.transformers.compute_metrics  Trainer(compute_metrics=...)
    lossary.hooks.sklearn.LossScorer            cross_validate(scoring=...), GridSearchCV(scoring=...)
    lossary.hooks.mlflow.LossLogger             inside a run of MLflow
"""
