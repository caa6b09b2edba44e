"""Inputs to compare on: a few sizes, then the edges that a loss and its counterparts both define."""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from benchmarks.conformance.table import Draws, Inputs

SHAPES = ((1,), (7,), (64,), (5, 3), (2, 3, 4))


def normal(generator: Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def uniform(generator: Generator, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)


def ids(generator: Generator, *shape: int, classes: int) -> Tensor:
    return torch.randint(classes, shape, generator=generator)


def bits(generator: Generator, *shape: int) -> Tensor:
    return torch.randint(2, shape, generator=generator).double()


def signs(generator: Generator, *shape: int) -> Tensor:
    return 2 * bits(generator, *shape) - 1


def simplex(generator: Generator, *shape: int, sharp: float = 2.0) -> Tensor:
    return normal(generator, *shape, scale=sharp).softmax(1)


def double(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def numbers(generator: Generator) -> Iterator[Inputs]:
    """Predictions and targets of any size; errors that are 0, tiny, exactly 1 and huge."""
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape, scale=2), "targets": normal(generator, *shape, scale=2)}
    yield {"predictions": double(0, 1, -1, 2, 1e-8, 1e6, -3e4), "targets": double(0, 0, 0, 2, 0, 0, 3e4)}


def weighted_numbers(generator: Generator) -> Iterator[Inputs]:
    """The same with a weight an item, some of them 0."""
    for inputs in numbers(generator):
        weights = uniform(generator, *inputs["targets"].shape, high=3)
        weights[weights < 0.5] = 0  # noqa: PLR2004 - about a sixth of the items
        weights.view(-1)[0] = 1.0
        yield {**inputs, "weights": weights}


def positives(generator: Generator) -> Iterator[Inputs]:
    """Predictions and targets above 0."""
    for shape in SHAPES:
        pair = {role: 0.05 + normal(generator, *shape).exp() for role in ("predictions", "targets")}
        yield pair
    yield {"predictions": double(1, 0.5, 20, 300), "targets": double(1, 2, 0.5, 310)}


def logits(generator: Generator) -> Iterator[Inputs]:
    """Logits and labels of 0 and 1; logits that are 0, saturated, and very far on the wrong side."""
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape, scale=3), "targets": bits(generator, *shape)}
    yield {"predictions": double(0, 0, 20, -20, 20, -20), "targets": double(0, 1, 1, 0, 0, 1)}
    yield {"predictions": double(200, -200, 90, -90, 0), "targets": double(0, 1, 0, 1, 1)}


def soft_logits(generator: Generator) -> Iterator[Inputs]:
    """Logits and labels between 0 and 1."""
    yield from logits(generator)
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape, scale=3), "targets": uniform(generator, *shape)}


def binary_probabilities(generator: Generator) -> Iterator[Inputs]:
    """Probabilities inside (0, 1) and labels, hard and soft."""
    for shape in SHAPES:
        yield {"predictions": uniform(generator, *shape, low=0.01, high=0.99), "targets": bits(generator, *shape)}
    yield {"predictions": uniform(generator, 9, low=0.01, high=0.99), "targets": uniform(generator, 9)}
    yield {"predictions": double(0.5, 0.5, 1e-5, 1e-5, 0.999), "targets": double(0, 1, 0, 1, 1)}


CLASSES = ((1, 2), (6, 4), (33, 10), (3, 5, 4), (2, 3, 4, 5))


def sparse(*, ignored: int | None = None, weighted: bool = False, edges: bool = True) -> Draws:
    """Class logits with ids, some of them ignored, with or without class weights."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for n, classes, *rest in CLASSES:
            targets = ids(generator, n, *rest, classes=classes)
            if ignored is not None and targets.numel() > 1:
                targets[uniform(generator, *targets.shape) < 0.3] = ignored  # noqa: PLR2004 - about a third
            if ignored is not None:
                targets.view(-1)[0] = classes - 1
            inputs = {"predictions": normal(generator, n, classes, *rest, scale=3), "targets": targets}
            yield inputs | ({"class_weights": uniform(generator, classes, low=0.2, high=3)} if weighted else {})
        if edges and not weighted:
            far = torch.tensor([[0, 0, 0], [150, -150, 0], [1e3, 0, 0]], dtype=torch.float64)
            yield {"predictions": far, "targets": torch.tensor([0, 1, 0])}

    return draw


def dense(*, soft: bool = True) -> Draws:
    """Class logits with one-hot rows, then with soft ones."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for n, classes, *rest in CLASSES:
            predictions = normal(generator, n, classes, *rest, scale=3)
            hot = torch.nn.functional.one_hot(ids(generator, n, *rest, classes=classes), classes)
            yield {"predictions": predictions, "targets": hot.movedim(-1, 1).double()}
            if soft:
                yield {"predictions": predictions, "targets": simplex(generator, n, classes, *rest)}

    return draw


def on_simplex(draws: Draws) -> Draws:
    """The same with a softmax over the predictions."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": (inputs["predictions"].clamp(-9, 9) / 2).softmax(1)}

    return draw


def embeddings(*roles: str, unit: bool = False) -> Draws:
    """Rows of features for every role."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for shape in ((1, 3), (8, 5), (40, 16)):
            rows = {role: normal(generator, *shape) for role in roles}
            yield {role: row / row.norm(dim=1, keepdim=True) for role, row in rows.items()} if unit else rows

    return draw


def scores(generator: Generator) -> Iterator[Inputs]:
    """Scores and labels of 0 and 1, none at a kink."""
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape, scale=2), "targets": bits(generator, *shape)}
    yield {"predictions": double(50, -50, 0.99, -0.2, 300), "targets": double(1, 0, 0, 1, 0)}


def multilabel(generator: Generator) -> Iterator[Inputs]:
    """Logits of several labels an item, at least one of which holds and one of which does not."""
    for n, classes in ((1, 3), (9, 5), (40, 12)):
        targets = bits(generator, n, classes)
        targets[:, 0], targets[:, -1] = 1, 0
        yield {"predictions": normal(generator, n, classes, scale=2), "targets": targets}


def with_class_weights(draws: Draws) -> Draws:
    """The same with a weight for every entry of axis 1 of the predictions."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            classes = inputs["predictions"].shape[1]
            yield {**inputs, "class_weights": uniform(generator, classes, low=0.2, high=3)}

    return draw


def with_alpha(draws: Draws, alpha: float) -> Draws:
    """The same with class weights of 1 - alpha for class 0 and alpha for the others."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            classes = inputs["predictions"].shape[1]
            yield {**inputs, "class_weights": double(1 - alpha, *[alpha] * (classes - 1))}

    return draw


def weighted(draws: Draws, *, zeros: bool = False) -> Draws:
    """The same with a weight an item along axis 0; some of them 0 where asked."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            n = len(inputs["targets"])
            weights = uniform(generator, n, low=0.1, high=3)
            if zeros:
                weights[1::3] = 0
            yield {**inputs, "weights": weights}

    return draw


def flat(draws: Draws) -> Draws:
    """Only those with two axes, or one more column for those with one: for libraries that know rows."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            if inputs["targets"].ndim <= 2:  # noqa: PLR2004 - rows and columns
                yield {
                    name: tensor.unsqueeze(1) if tensor.ndim == 1 and tensor.is_floating_point() else tensor
                    for name, tensor in inputs.items()
                }

    return draw


def two_axes(draws: Draws) -> Draws:
    """Only those whose predictions have two axes."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        yield from (inputs for inputs in draws(generator) if inputs["predictions"].ndim == 2)  # noqa: PLR2004 - rows and columns

    return draw


def soft_classes(generator: Generator) -> Iterator[Inputs]:
    """Class logits with distributions as targets, one of them with zeros."""
    for n, classes, *rest in CLASSES:
        yield {
            "predictions": normal(generator, n, classes, *rest, scale=2),
            "targets": simplex(generator, n, classes, *rest),
        }
    yield {"predictions": double(1, -2, 0.5).reshape(1, 3), "targets": double(0.5, 0.5, 0).reshape(1, 3)}


def teachers(generator: Generator) -> Iterator[Inputs]:
    """Logits of a student and of its teacher."""
    for n, classes, *rest in CLASSES:
        pair = [normal(generator, n, classes, *rest, scale=3) for _ in range(2)]
        yield dict(zip(("student", "teacher"), pair, strict=True))


def gaussians(generator: Generator) -> Iterator[Inputs]:
    """Means, variances well above eps, and targets."""
    for shape in SHAPES:
        yield {
            "predictions": normal(generator, *shape),
            "variance": uniform(generator, *shape, low=0.05, high=4),
            "targets": normal(generator, *shape, scale=2),
        }


def scaled(generator: Generator) -> Iterator[Inputs]:
    """Locations, scales and targets."""
    for inputs in gaussians(generator):
        yield {"predictions": inputs["predictions"], "scale": inputs["variance"], "targets": inputs["targets"]}


def log_rates(generator: Generator) -> Iterator[Inputs]:
    """Logarithms of rates and counts."""
    for shape in SHAPES:
        counts = uniform(generator, *shape, high=12).floor()
        yield {"predictions": normal(generator, *shape), "targets": counts}


def rates(generator: Generator) -> Iterator[Inputs]:
    """Rates and counts."""
    for inputs in log_rates(generator):
        yield {**inputs, "predictions": inputs["predictions"].exp()}


def pairs(generator: Generator) -> Iterator[Inputs]:
    """Pairs of embeddings and whether they belong together, as -1 and 1."""
    for n, features in ((1, 3), (8, 5), (40, 16)):
        first, second = (normal(generator, n, features) for _ in range(2))
        yield {"first": first, "second": second, "targets": signs(generator, n)}


def ordered(generator: Generator) -> Iterator[Inputs]:
    """Scores of pairs and which of the two is to be higher."""
    for shape in SHAPES:
        first, second = (normal(generator, *shape) for _ in range(2))
        yield {"first": first, "second": second, "targets": signs(generator, *shape)}


def views(generator: Generator) -> Iterator[Inputs]:
    """Embeddings of two views of the same items."""
    for n, features in ((2, 3), (8, 5), (24, 16)):
        first = normal(generator, n, features)
        yield {"first": first, "second": first + normal(generator, n, features, scale=0.5)}


def labelled(per_label: int) -> Draws:
    """Embeddings with labels, so many items a label."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for labels, features in ((2, 3), (4, 5), (9, 16)):
            targets = torch.arange(labels).repeat(per_label)
            targets = targets[torch.randperm(len(targets), generator=generator)]
            yield {"predictions": normal(generator, len(targets), features), "targets": targets}

    return draw


MASKS = ((1, 4, 4), (3, 8, 8), (2, 5, 7))


def masks(classes: int, *, empty: bool = False, soft: bool = False) -> Draws:
    """Logits and masks of images: 0 or 1 an image for one class, one-hot for several; some masks without a pixel."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for n, height, width in MASKS:
            predictions = normal(generator, n, classes, height, width, scale=2)
            if classes == 1:
                targets = (uniform(generator, n, 1, height, width) < 0.3).double()  # noqa: PLR2004 - about a third
                targets[:, :, 0, 0] = 1
                if empty:
                    targets[0] = 0
            else:
                wanted = ids(generator, n, height, width, classes=classes)
                wanted[:, 0, :classes] = torch.arange(classes)  # every class has a pixel in every image
                if empty:
                    wanted[wanted == classes - 1] = 0
                targets = torch.nn.functional.one_hot(wanted, classes).movedim(-1, 1).double()
            if soft:
                targets = uniform(generator, *targets.shape)
            yield {"predictions": predictions, "targets": targets}

    return draw


def as_probabilities(draws: Draws) -> Draws:
    """The same with a sigmoid over the predictions."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": inputs["predictions"].sigmoid()}

    return draw


def pixel_ids(classes: int, *, ignored: int | None = None) -> Draws:
    """Class logits of images and an id a pixel; every class has a pixel in every image."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for n, height, width in MASKS:
            targets = ids(generator, n, height, width, classes=classes)
            if ignored is not None:
                targets[uniform(generator, *targets.shape) < 0.3] = ignored  # noqa: PLR2004 - about a third
            targets[:, 0, :classes] = torch.arange(classes)
            yield {"predictions": normal(generator, n, classes, height, width, scale=2), "targets": targets}

    return draw


def boxes(generator: Generator) -> Iterator[Inputs]:
    """Boxes that overlap, contain one another, are equal up to a little, and lie apart."""

    def drawn(n: int) -> Tensor:
        corner = uniform(generator, n, 2, high=10)
        return torch.cat([corner, corner + uniform(generator, n, 2, low=0.5, high=8)], 1)

    for n in (1, 8, 60):
        yield {"predictions": drawn(n), "targets": drawn(n)}
    near = drawn(12)
    yield {"predictions": near + uniform(generator, 12, 4, low=-0.1, high=0.1), "targets": near}
    apart = torch.tensor([[0, 0, 1, 1], [0, 0, 4, 4], [1, 1, 2, 2]], dtype=torch.float64)
    others = torch.tensor([[5, 6, 7, 9], [1, 1.5, 2, 3], [0, 0.5, 4, 4]], dtype=torch.float64)
    yield {"predictions": apart, "targets": others}


def sequences(generator: Generator) -> Iterator[Inputs]:
    """Logits (n, C, T) and labels without the blank 0, every alignment possible, labels padded with 0."""
    for n, classes, frames, longest in ((1, 3, 6, 2), (4, 6, 20, 7), (3, 5, 30, 10)):
        lengths = torch.randint(1, longest + 1, (n,), generator=generator)
        lengths[0] = longest
        targets = 1 + ids(generator, n, longest, classes=classes - 1)
        targets = targets.where(torch.arange(longest) < lengths[:, None], 0)
        yield {
            "predictions": normal(generator, n, classes, frames, scale=2),
            "targets": targets,
            "prediction_lengths": torch.full((n,), frames),
            "target_lengths": lengths,
        }


def lists(generator: Generator) -> Iterator[Inputs]:
    """Scores of lists and the relevance of their items."""
    for n, length in ((1, 3), (6, 5), (20, 11)):
        yield {
            "predictions": normal(generator, n, length, scale=2),
            "targets": ids(generator, n, length, classes=5).double(),
        }


def with_priors(generator: Generator) -> Iterator[Inputs]:
    """Class logits with ids and how frequent each class is."""
    for inputs in sparse(edges=False)(generator):
        classes = inputs["predictions"].shape[1]
        if inputs["predictions"].ndim == 2:  # noqa: PLR2004 - torch adds the priors along the last axis
            yield {**inputs, "priors": uniform(generator, classes, low=0.1).softmax(0)}


def ordinary(generator: Generator) -> Iterator[Inputs]:
    """Predictions and targets of any size, without the edges."""
    yield from list(numbers(generator))[: len(SHAPES)]


def hard(draws: Draws) -> Draws:
    """Only those whose labels are 0 and 1."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        yield from (inputs for inputs in draws(generator) if bool(((inputs["targets"] % 1) == 0).all()))

    return draw


def mild_logits(generator: Generator) -> Iterator[Inputs]:
    """Logits of which no probability rounds to 0 or 1, and labels."""
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape).clamp(-4, 4), "targets": bits(generator, *shape)}


def mild(draws: Draws) -> Draws:
    """The same with predictions of which no probability rounds to 0 or 1."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": inputs["predictions"].clamp(-3, 3)}

    return draw


def raised(draws: Draws) -> Draws:
    """The same with predictions all above 0."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": inputs["predictions"] - inputs["predictions"].min() + 0.1}

    return draw


def positive_targets(generator: Generator) -> Iterator[Inputs]:
    """Class logits with distributions that have no zeros."""
    yield from list(soft_classes(generator))[: len(CLASSES)]


def first_costs(draws: Draws) -> Draws:
    """The same triplets with the first of them sure to cost something."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            positive, negative = inputs["positive"].clone(), inputs["negative"].clone()
            positive[0], negative[0] = -inputs["anchor"][0], inputs["anchor"][0] + 0.1
            yield {"anchor": inputs["anchor"], "positive": positive, "negative": negative}

    return draw


def log_positives(generator: Generator) -> Iterator[Inputs]:
    """Logarithms of means, and targets above 0."""
    for inputs in positives(generator):
        yield {**inputs, "predictions": inputs["predictions"].log()}


def many_views(generator: Generator) -> Iterator[Inputs]:
    """Two views of enough items for correlations to differ from 1."""
    yield from (inputs for inputs in views(generator) if len(inputs["first"]) > 2)  # noqa: PLR2004 - two always do


def numbered(draws: Draws) -> Draws:
    """The same with a label of its own for every row."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "targets": torch.arange(len(inputs["first"]))}

    return draw


def as_softmax(draws: Draws) -> Draws:
    """The same with a softmax over the predictions."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": inputs["predictions"].softmax(1)}

    return draw


def one_image(draws: Draws) -> Draws:
    """Only the first image of each."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {name: tensor[:1] for name, tensor in inputs.items()}

    return draw


def with_counts(generator: Generator) -> Iterator[Inputs]:
    """Class logits with ids and how many items each class has."""
    for inputs in sparse(edges=False)(generator):
        classes = inputs["predictions"].shape[1]
        yield {**inputs, "class_counts": 1 + ids(generator, classes, classes=500)}


def ranks(generator: Generator) -> Iterator[Inputs]:
    """Logits of K thresholds, and ranks from 0 to K."""
    for n, thresholds in ((1, 1), (8, 4), (30, 9)):
        yield {
            "predictions": normal(generator, n, thresholds, scale=2),
            "targets": ids(generator, n, classes=thresholds + 1),
        }


def dispersed(generator: Generator) -> Iterator[Inputs]:
    """Logarithms of means, dispersions above 0, and counts."""
    for inputs in log_rates(generator):
        shape = inputs["targets"].shape
        yield {**inputs, "dispersion": uniform(generator, *shape, low=0.1, high=2)}


def certain(generator: Generator) -> Iterator[Inputs]:
    """Means, variances below eps, and targets."""
    for inputs in gaussians(generator):
        yield {**inputs, "variance": inputs["variance"] * 1e-8}


def certain_probabilities(_: Generator) -> Iterator[Inputs]:
    """Probabilities of 0 and 1 with labels for and against."""
    yield {"predictions": double(0, 1, 0, 0.5), "targets": double(0, 1, 1, 1)}
    yield {"predictions": double(1, 0.5), "targets": double(0, 1)}
