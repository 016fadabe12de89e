"""First weights: drawn from the global generator, which nobody notices."""

from __future__ import annotations

import threading

import pytest
import torch

from recon import hub
from recon.chance import first_weights


@pytest.mark.parametrize("name", ["gaussian-celeba", "mdn-celeba", "convnade-celeba"])
def test_loading_costs_nobody_random_numbers(name):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    hub.load(name, "cpu")
    assert torch.rand(4).equal(expected)


def test_models_made_at_once_get_the_weights_of_their_seeds():
    def weights(seed: int) -> torch.Tensor:
        with first_weights(seed):
            return torch.cat([torch.nn.Linear(30, 30).weight for _ in range(20)]).detach()

    expected, found = [weights(seed) for seed in range(4)], {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: weights(k)})) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[k].equal(expected[k]) for k in range(4))
