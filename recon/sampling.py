"""Joint samples from any model that predicts: whole pictures whose pixels agree with each other.

Hidden pixels are drawn in groups, each given all before it, in an order of `recon.schedules`. Where a model has joint
samples in closed form they are exact, and come in one step; those of large pictures come in one step by a copula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Real

import torch
from torch import Tensor

from recon import patches, schedules
from recon.errors import PredictionError
from recon.memory import Own, remembering
from recon.observation import Observation
from recon.prediction import Prediction, Predictor, finite


def sample(
    model: Predictor,
    observation: Observation,
    count: int = 8,
    steps: int = 32,
    seed: int = 0,
    order: str = "sobol",
    temperature: float = 1.0,
) -> Tensor:
    """Joint samples given the observation of one image: (count, channels, height, width) in [0, 1].

    steps        groups that the hidden pixels are drawn in; more is truer and slower. Exact models need one and
                 ignore it
    seed         the same seed and count give the same pictures on the same device with as many threads
    order        a key of `recon.schedules.ORDERS`; exact models ignore it
    temperature  every pixel is drawn from its distribution to the power of 1 / temperature; 1 is the model's own,
                 less is tamer. Of exact models it multiplies the variance, whichever component or scale is drawn

    Raises PredictionError if the observation is no single image, or the model gives a mean alone.
    """
    for picture in stream(model, observation, count, steps, seed, order, temperature):  # noqa: B007
        pass
    return picture.values


def stream(
    model: Predictor,
    observation: Observation,
    count: int = 8,
    steps: int = 32,
    seed: int = 0,
    order: str = "sobol",
    temperature: float = 1.0,
) -> Iterator[Observation]:
    """The same, step by step: yields after each group what is drawn so far, `count` images; the last is complete."""
    if observation.batch != 1:
        raise PredictionError("Joint samples are drawn for one image at a time.")
    check(count, steps, seed, order)
    if isinstance(temperature, bool) or not isinstance(temperature, Real) or not 0 < temperature <= 2:
        raise PredictionError(f"A temperature lies above 0 and at most at 2, not at {temperature!r}.")
    model.check(observation)
    observation = observation.to(model.device)
    generator = torch.Generator(model.device).manual_seed(int(seed) % 2**63)
    if model.exact_joint or getattr(model, "copula", False):
        with remembering({}):
            joint = finite(model.sample_joint(observation, count, generator, temperature))
        yield Observation(joint, torch.ones_like(observation.mask).repeat(count, 1, 1, 1))
        return
    start = observation.repeat(count)

    def draw(prediction: Prediction) -> Tensor:
        return prediction.sample(generator, temperature)

    for _, _, drawn in turns(model, start, draw, steps, order, int(seed) % 2**63):
        yield drawn
    if observation.mask.all():
        yield start


def check(count: int, steps: int, seed: int, order: str) -> None:
    """PredictionError for what is no plan of samples"""
    if not all(patches.is_whole(number) for number in (count, steps, seed)):
        raise PredictionError("The numbers of samples and steps, and the seed, are whole numbers.")
    if count < 1 or steps < 1:
        raise PredictionError("At least one sample and one step are needed.")
    if not isinstance(order, str) or order not in schedules.ORDERS:
        raise PredictionError(f"There is no order {order!r} of pixels; there are {', '.join(schedules.ORDERS)}.")


@torch.no_grad()
def log_likelihood(
    model: Predictor, observation: Observation, values: Tensor, steps: int = 32, order: str = "sobol", seed: int = 0
) -> Tensor:
    """Log probability (256 levels a channel) of exactly the hidden pixels of `values`, drawn group after group, each
    pixel of a group by itself: in nats, (batch,), float64. What an order loses shows here. Exact models, too, are asked
    so, although `stream` draws from them otherwise.

    observation  of several images that share one mask
    values       (batch, channels, height, width), the whole images

    Raises PredictionError where masks or sizes differ, or steps, order and seed are no plan.
    """
    check(1, steps, seed, order)
    if not bool((observation.mask == observation.mask[:1]).all()):
        raise PredictionError("The images must share one mask, so that they share its groups.")
    model.check(observation)
    if values.shape != observation.values.shape:
        raise PredictionError("The values are whole images, as many and as large as those that are observed.")
    observation, values = observation.to(model.device), values.to(model.device)
    seed = int(seed) % 2**63
    total = torch.zeros(observation.batch, dtype=torch.float64, device=model.device)
    for prediction, where, _ in turns(model, observation, lambda _: values, steps, order, seed):
        total += (prediction.log_mass(values).double() * where[:, 0]).flatten(1).sum(1)
    return total


def turns(
    model: Predictor,
    known: Observation,
    fill: Callable[[Prediction], Tensor],
    steps: int,
    order: str,
    seed: int,
) -> Iterator[tuple[Prediction, Tensor, Observation]]:
    """Predict, set one group of pixels to what `fill` makes of the prediction, again: yields the prediction, the group
    as bool (batch, 1, height, width), and what is known then."""
    mask = known.mask[0, 0].cpu().numpy()
    planned = None if order == schedules.SUREST else schedules.groups(mask, steps, order, seed)
    ask, memory = model.in_turn(), Own()
    for step, size in enumerate(schedules.sizes(mask, steps)):
        if planned is None:
            with remembering(memory):
                prediction = model.predict(known)
            where = surest(prediction, size)
        else:
            where = torch.from_numpy(planned[step]).to(model.device).expand_as(known.mask)
            with remembering(memory):
                prediction = ask(known, where)
        known = known.add(fill(prediction), where)
        yield prediction, where, known


def surest(prediction: Prediction, size: int) -> Tensor:
    """The `size` hidden pixels of each image with the least variance: bool (batch, 1, height, width)"""
    mask = prediction.observation.mask
    variance = prediction.variance.sum(1, keepdim=True).masked_fill(mask, torch.inf).flatten(1)
    where = torch.zeros_like(variance, dtype=torch.bool)
    where.scatter_(1, variance.topk(size, dim=1, largest=False).indices, True)
    return where.view_as(mask)
