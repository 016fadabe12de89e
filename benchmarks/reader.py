"""Small classifiers, trained in minutes on one core, that read what models make of a few pixels."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon import data

BATCH = 100
DIGITS = {"learned": 20_000, "rounds": 3, "rate": 2e-3, "decay": 0.0}
OBJECTS = {"learned": 47_000, "rounds": 4, "rate": 4e-3, "decay": 0.01}


def trained(name: str, seed: int = 0) -> nn.Module:
    """Of the digits of "mnist" or the objects of "cifar10", which are mirrored and moved by up to two pixels."""
    torch.manual_seed(seed)
    settings, model = (OBJECTS, of_objects()) if name == "cifar10" else (DIGITS, of_digits())
    learned, steps = int(settings["learned"]), int(settings["rounds"] * settings["learned"]) // BATCH
    images, shown = data.load(name, "train")[:learned], data.labels(name, "train")[:learned].long()
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings["rate"], weight_decay=settings["decay"])
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.5 * settings["rate"] * (1 + math.cos(math.pi * step / steps))
        chosen = torch.randint(len(images), (BATCH,), generator=generator)
        pictures = images[chosen].float() / 255
        if name == "cifar10":
            pictures = moved(pictures, generator)
        loss = F.cross_entropy(model(pictures), shown[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval().requires_grad_(False)


def of_digits() -> nn.Module:
    sizes = (1, 16, 32, 64)
    layers = [part for k in range(3) for part in layer(sizes[k], sizes[k + 1], 2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 10))


def of_objects() -> nn.Module:
    layers = [*layer(3, 24), *layer(24, 48, 2), *layer(48, 96, 2), *layer(96, 96), *layer(96, 128, 2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def layer(entering: int, leaving: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(entering, leaving, 3, stride=stride, padding=1), nn.BatchNorm2d(leaving), nn.ReLU()]


def moved(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """By as much for all of a batch; half of them mirrored"""
    row, column = torch.randint(5, (2,), generator=generator).tolist()
    pictures = F.pad(pictures, (2, 2, 2, 2), mode="reflect")[:, :, row : row + 32, column : column + 32]
    mirrored = torch.rand(len(pictures), 1, 1, 1, generator=generator) < 0.5
    return torch.where(mirrored, pictures.flip(-1), pictures)


def right(reader: nn.Module, pictures: Tensor, shown: Tensor) -> float:
    """Share of pictures that are read right"""
    read = torch.cat([reader(part).argmax(1) for part in pictures.split(500)])
    return (read == shown).double().mean().item()
