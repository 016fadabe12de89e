"""What every model with weights is: a module that predicts, and a folder as the Hub lays it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Self

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from recon.chance import Chance
from recon.distributions import Distribution
from recon.errors import PredictionError
from recon.observation import Observation
from recon.prediction import Prediction


class Stored(nn.Module, PyTorchModelHubMixin):
    """A module, and a folder as the Hub lays it out. Its constructor takes keyword arguments that JSON can hold: they
    are what `config.json` of a checkpoint has."""

    kind: str  # the name under which `recon.models` lists the class

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments that make a model of the same shape, as `config.json` has them"""
        found = self._hub_mixin_config
        assert isinstance(found, dict)
        return dict(found)


class Model(Stored):
    """A model that answers any observation of `side` x `side` pictures with `channels` channels; a subclass implements
    `distribution`."""

    side: int
    channels: int
    binary = False  # pixels are 0 or 1
    exact_joint = False  # joint samples come from `sample_joint`, in closed form
    calibrated_by = 200  # pictures, at most, that `calibrate` takes
    copula = False  # they come from `sample_joint`, in one step, but only pixels' own distributions are the model's

    @classmethod
    def fit(cls, batches: Iterable[Tensor], *args: Any, **kwargs: Any) -> Self:
        """The model of some pictures, float (batch, channels, side, side), for those in closed form; `Network`s are
        trained instead. Further arguments are those of a recipe's [model] part."""
        raise NotImplementedError

    def calibrate(self, batches: Iterable[Tensor], orders: Tensor) -> None:
        """Once it is fitted or trained, on pictures that were kept out of it: mostly nothing.

        batches  float (batch, channels, side, side)
        orders   in which pixels of each picture become known, (at least a batch, pixels)
        """

    def distribution(self, observation: Observation) -> Distribution:
        """The marginal distribution of every pixel, hidden or not, given what is observed."""
        raise NotImplementedError

    def predict(self, observation: Observation) -> Prediction:
        """One distribution a pixel given `observation`; observed pixels are known and have no spread.

        Raises PredictionError if the observation's channels or side are not the model's.
        """
        self.check(observation)
        observation = observation.to(self.device)
        return Prediction(self.distribution(observation), observation)

    def in_turn(self) -> Callable[[Observation, Tensor], Prediction]:
        """A predictor for pixels that are asked for group after group, each given all before: called with what is known
        and the group, bool (batch, 1, height, width), where alone its answer means anything. A model that need not read
        everything again for each group has one of its own."""
        return lambda known, where: self.predict(known)

    def check(self, observation: Observation) -> None:
        """Raise PredictionError unless the observation is of this model's channels and side, and of black and white
        alone where it knows no others."""
        channels, height, width = observation.values.shape[1:]
        if (height, width) != (self.side, self.side):
            raise PredictionError(
                f"This model works on {self.side} x {self.side} pixels; the observation has {height} x {width}."
            )
        if channels != self.channels:
            want = "grey (1 channel)" if self.channels == 1 else f"{self.channels}-channel"
            raise PredictionError(f"This model works on {want} pictures; the observation has {channels} channel(s).")
        if self.binary and bool(((observation.values != 0) & (observation.values != 1)).any()):
            raise PredictionError("This model works on black and white; `Observation.as_seen_by(model)` makes it so.")

    def check_one(self, observation: Observation) -> None:
        """`check`, where one image alone is asked about"""
        if observation.batch != 1:
            raise PredictionError(f"Joint samples are drawn for one image at a time, not for {observation.batch}.")
        self.check(observation)

    @property
    def device(self) -> torch.device:
        return next(chain(self.parameters(), self.buffers())).device

    def sample_joint(
        self, observation: Observation, count: int, generator: torch.Generator, temperature: float = 1.0
    ) -> Tensor:
        """Joint samples in one step, (count, channels, height, width), for models with `exact_joint` or `copula`."""
        raise PredictionError("This model has no closed-form joint samples; `recon.sample` draws them in steps.")


class Remembering(Model):
    """A model that keeps what it worked out from its weights, until they are others or elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.register_load_state_dict_post_hook(forget)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        moved = super()._apply(fn, recurse)
        self.forget()
        return moved

    def forget(self) -> None:
        """Drop it."""
        raise NotImplementedError


def forget(model: Remembering, _: object) -> None:
    """After new weights were loaded"""
    model.forget()


class Network(Model):
    """A model made of layers, which the training loop can train."""

    def forward(self, values: Tensor, mask: Tensor, generator: Chance | None = None) -> Tensor:
        """Parameters of every pixel's distribution, (batch, outputs, side, side).

        values (batch, channels, side, side), mask bool (batch, 1, side, side); a generator turns dropout on.
        """
        raise NotImplementedError

    def parameterise(self, output: Tensor) -> Distribution:
        """The distribution that an output of `forward` stands for."""
        raise NotImplementedError

    def objective(self, batch: Tensor, masks: Tensor, generator: Chance) -> Tensor:
        """What training lowers: mean negative log density over unobserved pixels and channels in nats, pictures weighed
        alike (Emmett-Iwaniw & Kirk, section 3.2): the paper's loss when all pictures share one patch."""
        log_prob = self.parameterise(self(batch, masks, generator)).log_prob(batch)
        hidden = ~masks[:, 0]
        each = (log_prob * hidden).flatten(1).sum(1) / hidden.flatten(1).sum(1)
        return -each.mean() / batch.shape[1]

    def prepare(self, batches: Iterable[Tensor]) -> None:
        """Fit to the training pictures what is not trained, where a run starts from no checkpoint: mostly nothing.

        batches  float (batch, channels, side, side)
        """

    def start_from(self, model: Model) -> None:
        """Take over the weights of another model; raises RuntimeError or AttributeError where they do not fit."""
        self.load_state_dict(model.state_dict())

    @torch.no_grad()
    def distribution(self, observation: Observation) -> Distribution:
        return self.parameterise(self(observation.values, observation.mask))
