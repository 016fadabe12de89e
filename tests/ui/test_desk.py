"""Whose turn it is, and what is answered together."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from recon import Observation
from recon.errors import PredictionError
from recon.ui.desk import Desk
from recon.ui.plainly import in_order
from recon.ui.turns import Turns
from tests.models.fitted import fitted, observe


class Slow:
    """A model whose first answer waits to be let go, so that questions come together behind it."""

    def __init__(self, model):
        self.model, self.batches, self.go = model, [], threading.Event()
        self.device = model.device

    def predict(self, observation: Observation):
        self.batches.append(observation.batch)
        self.go.wait(10)
        if bool((observation.mask.flatten(1).sum(1) == 0).any()):
            raise PredictionError("Nothing is observed.")
        return self.model.predict(observation)


def asked(desk, model, observations):
    """What each got, all of them asked at once behind one that is being answered"""
    found: list = [None] * len(observations)

    def ask(k):
        try:
            found[k] = desk.ask(model, observations[k])
        except PredictionError as error:
            found[k] = error

    threads = []
    for k in range(len(observations)):
        threads.append(threading.Thread(target=ask, args=(k,)))
        threads[-1].start()
        while k == 0 and not model.batches:
            time.sleep(0.01)
    while len(desk.asks) < len(observations) - 1:
        time.sleep(0.01)
    model.go.set()
    for thread in threads:
        thread.join(10)
    return found


@pytest.mark.parametrize(("together", "batches"), [(None, [1, 4]), (1, [1, 1, 1, 1, 1]), (2, [1, 2, 2])])
def test_questions_that_wait_together_are_one_batch_and_get_the_answers_that_each_would_alone(together, batches):
    model, observations = fitted(), [observe(fitted(), 3 + k, seed=k)[0] for k in range(5)]
    slow = Slow(model)
    for said, observation in zip(asked(Desk(together), slow, observations), observations, strict=True):
        alone = model.predict(observation)
        assert said.prediction.observation.batch == 1
        torch.testing.assert_close(said.mean, alone.mean[0])
        torch.testing.assert_close(said.deviation, alone.variance[0].sqrt(), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(said.interval, tuple(end[0] for end in alone.interval(0.9)), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(said.prediction.mean, alone.mean)
        masses = (one.distribution.level_masses(1, 2) for one in (said.prediction, alone))
        torch.testing.assert_close(*masses, atol=1e-5, rtol=1e-3)
    assert slow.batches == batches


def test_what_is_wrong_with_one_question_is_not_the_others_fault():
    model, slow = fitted(), Slow(fitted())
    nothing = Observation(
        *(torch.zeros_like(tensor) for tensor in (observe(model, 3)[0].values, observe(model, 3)[0].mask))
    )
    observations = [observe(model, 3)[0], observe(model, 4, seed=1)[0], nothing, observe(model, 5, seed=2)[0]]
    found = asked(Desk(), slow, observations)
    assert isinstance(found[2], PredictionError) and not any(isinstance(found[k], PredictionError) for k in (0, 1, 3))


def test_what_is_urgent_goes_first_and_what_can_wait_has_its_turn_too():
    turns, order, ready = Turns(), [], []

    def take(name, patience):
        ready.append(name)
        with turns.take(patience):
            order.append(name)

    with turns.take():
        threads = []
        for name, patience in (("step", 0.3), ("stroke", 0.0), ("another", 0.0)):
            threads.append(threading.Thread(target=take, args=(name, patience)))
            threads[-1].start()
            while len(turns.waiting) < len(threads):
                time.sleep(0.005)
        time.sleep(0.35)
        threads.append(threading.Thread(target=take, args=("late stroke", 0.0)))
        threads[-1].start()
        while len(turns.waiting) < 4:
            time.sleep(0.005)
    for thread in threads:
        thread.join(5)
    assert order == ["stroke", "another", "step", "late stroke"]


def test_a_turn_ends_with_an_error():
    desk = Desk()
    with pytest.raises(ZeroDivisionError), desk.later():
        raise ZeroDivisionError
    with desk.later():
        pass
    assert list(desk.by_turns(iter([1, 2]))) == [1, 2] and not desk.turns.taken


def test_steps_leave_room_between_them():
    desk, seen = Desk(), []
    for step in desk.by_turns(iter(range(3))):
        with desk.turns.take():  # would wait for ever if the step still had its turn
            seen.append(step)
    assert seen == [0, 1, 2]


def test_one_persons_calls_follow_each_other_as_they_came():
    running, most, order = [], [], []

    @in_order
    def handler(name):
        running.append(name)
        order.append(name)
        most.append(len(running))
        time.sleep(0.05)
        running.remove(name)
        return name

    threads = [threading.Thread(target=handler, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
        time.sleep(0.005)
    for thread in threads:
        thread.join()
    assert most == [1] * 8 and order == list(range(8)) and handler.__name__ == "handler"
