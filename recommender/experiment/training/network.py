"""A linear model or a small network of which every replica has weights of its own, all in the same matrix products."""

from collections.abc import Sequence

import torch
from torch import Tensor

HIDDEN: dict[str, tuple[int, ...]] = {"linear": (), "mlp": (64, 64)}
LINEAR = 2  # parameters of a model without hidden layers: a weight and a bias
SMALL = 0.01  # the last layer's first weights, so that all start near the level of the target
_SEEDS_APART = 1009  # between the layers of one seed


class Network:
    """The replicas of one kind of model: `folds` times `replicas` of them, those of one fold reading the same rows.

    Parameters are a weight (folds * replicas, in, out) and a bias (folds * replicas, 1, out) a layer. The gradient is
    written by hand: the chain of automatic differentiation ends at the raw outputs, and costs a third more with its
    copies for the layers below.
    """

    def __init__(self, model: str, inputs: int, outputs: int, folds: int) -> None:
        self.model, self.folds, self.outputs = model, folds, outputs
        self._sizes = (inputs, *HIDDEN[model], outputs)
        self._kept: dict[str, Tensor] = {}

    def parameters_a_replica(self) -> int:
        """Return the number of parameters of one replica."""
        return sum((inner + 1) * outer for inner, outer in zip(self._sizes[:-1], self._sizes[1:], strict=True))

    def initial(self, seed: int, dtype: torch.dtype) -> list[Tensor]:
        """Return the parameters of one replica a fold, equal in all: He's for hidden layers, small for the last."""
        parameters = []
        for place, (inner, outer) in enumerate(zip(self._sizes[:-1], self._sizes[1:], strict=True)):
            generator = torch.Generator().manual_seed(seed * _SEEDS_APART + place)
            scale = SMALL if place == len(self._sizes) - 2 else (2 / inner) ** 0.5
            start = torch.randn(inner, outer, generator=generator, dtype=torch.float64) * scale
            parameters += [
                start.to(dtype).repeat(self.folds, 1, 1),
                torch.zeros(self.folds, 1, outer, dtype=dtype),
            ]
        return parameters

    def forward(self, x: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
        """Return the input and what every layer puts out, the last without activation; good until the next call.

        Shapes: x (folds, n, d) -> (folds * replicas, n, width) of each layer, last (folds, replicas, n, outputs).
        """
        folds, n = x.shape[:2]
        replicas = len(parameters[0]) // folds
        if len(parameters) == LINEAR:  # one product a fold
            weight, bias = (_side_by_side(parameter, folds) for parameter in parameters)
            return [x, torch.baddbmm(bias, x, weight).reshape(folds, n, replicas, -1).transpose(1, 2)]
        outs = [self._room("input", (folds, replicas, *x.shape[1:]), x).copy_(x[:, None]).flatten(0, 1)]
        for place in range(0, len(parameters), 2):
            weight, bias = parameters[place : place + 2]
            out = self._room(f"layer {place}", (len(weight), n, weight.shape[2]), x)
            torch.baddbmm(bias, outs[-1], weight, out=out)
            outs.append(out.relu_() if place + 2 < len(parameters) else out)
        return [*outs[:-1], outs[-1].reshape(folds, replicas, n, -1)]

    def gradients(self, outs: Sequence[Tensor], of_raw: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
        """Return the gradient of every parameter, given that of the raw outputs (folds, replicas, n, outputs).

        `outs`: what `forward` returned for these parameters. The gradients are good until the next call.
        """
        if len(parameters) == LINEAR:
            folds, n = outs[0].shape[:2]
            columns = of_raw.transpose(1, 2).reshape(folds, n, -1)
            weight = torch.bmm(outs[0].transpose(1, 2), columns)
            return [_apart(weight, self.outputs), _apart(columns.sum(1, keepdim=True), self.outputs)]
        above = of_raw.flatten(0, 1)
        gradients: list[Tensor] = []
        for place in range(len(parameters) - 2, -1, -2):
            below, weight = outs[place // 2], parameters[place]
            of_weight = self._room(f"weight {place}", tuple(weight.shape), weight)
            torch.bmm(below.transpose(1, 2), above, out=of_weight)
            gradients = [of_weight, above.sum(1, keepdim=True), *gradients]
            if place:
                beneath = self._room(f"gradient {place}", tuple(below.shape), below)
                torch.bmm(above, weight.transpose(1, 2), out=beneath)
                above = torch.ops.aten.threshold_backward.grad_input(beneath, below, 0, grad_input=beneath)
        return gradients

    def _room(self, name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Return memory for a name and shape, reused between calls.

        Allocating new pages would cost as much as the computation.
        """
        room = self._kept.get(name)
        if room is None or room.shape != shape:
            room = self._kept[name] = torch.empty(shape, dtype=like.dtype)
        return room


def replicated(starts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Return the parameters of as many replicas a fold as there are starts, each (folds, in, out) by parameter."""
    return [torch.stack(same, 1).flatten(0, 1) for same in zip(*starts, strict=True)]


def of_fold(parameters: Sequence[Tensor], folds: int, fold: int) -> list[Tensor]:
    """Return the parameters of the replicas of one fold."""
    return [part.reshape(folds, -1, *part.shape[1:])[fold] for part in parameters]


def _side_by_side(parameter: Tensor, folds: int) -> Tensor:
    """Return (folds * replicas, in, out) as (folds, in, replicas * out)."""
    inner, outer = parameter.shape[1:]
    return parameter.reshape(folds, -1, inner, outer).transpose(1, 2).reshape(folds, inner, -1)


def _apart(columns: Tensor, outputs: int) -> Tensor:
    """Return (folds, in, replicas * out) as (folds * replicas, in, out)."""
    folds, inner = columns.shape[:2]
    return columns.reshape(folds, inner, -1, outputs).transpose(1, 2).reshape(-1, inner, outputs)
