"""A folder of pictures, or of observations, to a folder of reconstructions: `python -m recon reconstruct IN OUT`.

Every file has a record of its own beside its reconstruction, written last, so that a run which was stopped goes on
where it was. Several processes (torchrun, `accelerate launch`) share a folder: of n each takes every n-th file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recon import exchange, images, metrics, patches, sampling
from recon.errors import ImageError, ObservationError, ReconError
from recon.observation import Observation
from recon.prediction import Predictor

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".npz", ".json")
RECORD, SUMMARY = ".record.json", "summary.json"
OBSERVED = ("png", "mask", "npz", "json")  # a PNG with holes, or one with a mask beside it
SCORES = ("psnr_db", "ssim", "bits_per_dim")


@dataclass(frozen=True)
class Asked:
    """What is asked of every picture: model, patch family, its size, the seed of both patch and samples; how many joint
    samples, whether arrays are kept, and what was observed as one of OBSERVED"""

    model: str
    family: str
    size: int
    seed: int = 0
    arrays: bool = False
    samples: int = 0
    observed: str = ""


@dataclass(frozen=True)
class Record:
    """What came of one file: `observed` pixels, scores where the whole picture was known, or a `problem`."""

    file: str
    asked: dict
    stamp: list[int]  # of the file, so that another one of the same name is not taken for it
    observed: int = 0
    psnr_db: float | None = None
    ssim: float | None = None
    bits_per_dim: float | None = None
    problem: str = ""


def patch_of(text: str) -> tuple[str, int]:
    """ "sobol:128" as family and size; PatchError or ObservationError, a sentence, for what is none."""
    family, _, size = text.partition(":")
    if not size.isdecimal():
        raise ObservationError(f"A patch is written as family:pixels, sobol:128 for example, not {text[:40]!r}.")
    if family not in patches.FAMILIES or int(size) < 1:
        raise ObservationError(f"A patch is one pixel or more of one of the families {', '.join(patches.FAMILIES)}.")
    return family, int(size)


def files(folder: Path) -> list[Path]:
    """Those that may be pictures or observations, by name; ObservationError where there are none."""
    if not folder.is_dir():
        raise ObservationError(f"There is no folder {folder.name!r}.")
    found = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in ENDINGS)
    found = [path for path in found if not path.name.endswith((exchange.MASK, RECORD)) and path.name != SUMMARY]
    if not found:
        raise ObservationError(f"The folder {folder.name!r} has no pictures and no observations.")
    return found


def reconstruct(model: Predictor, asked: Asked, folder: Path, out: Path) -> Iterator[Record]:
    """Answer every file of this process's share that was not answered before; yields the records of all.

    Written for each: NAME.png, the reconstruction; NAME.record.json; NAME.sample-1.png and so on; with `arrays`
    NAME.npz, mean and variance (channels, side, side), and NAME.observed.png, for `recon.exchange`; with `observed`
    NAME.observed of that kind. Raises ObservationError or ImageError where nothing can be read or written at all.
    """
    if out.resolve() == folder.resolve():
        raise ObservationError("What is made needs a folder of its own.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"The folder {out.name!r} cannot be made ({error.strerror}).") from error
    rank, world = (int(os.environ.get(name, default)) for name, default in (("RANK", "0"), ("WORLD_SIZE", "1")))
    for path in files(folder)[rank::world]:
        stat = path.stat()
        mask = exchange.beside(path)
        stamps = [stat.st_size, stat.st_mtime_ns, mask.stat().st_mtime_ns if mask.exists() else 0]
        new = Record(path.name, asdict(asked), stamps)
        old = read_record(out / (path.name + RECORD))
        if old is not None and (old.asked, old.stamp) == (new.asked, new.stamp) and not old.problem:
            yield old
            continue
        (out / (path.name + RECORD)).unlink(missing_ok=True)  # it would vouch for what is made now
        try:
            record = answered(model, asked, path, out, new)
        except ReconError as error:
            record = replace(new, problem=str(error))
        except OSError as error:
            record = replace(new, problem=f"What is made of it cannot be written ({error.strerror or error}).")
        except torch.OutOfMemoryError:
            record = replace(new, problem="The GPU's memory is full: --device cpu takes no more than this machine's.")
        replace_text(out / (path.name + RECORD), json.dumps(asdict(record)))
        yield record


@torch.no_grad()
def answered(model: Predictor, asked: Asked, path: Path, out: Path, record: Record) -> Record:
    observation, truth = question(model, asked, path)
    prediction = model.predict(observation)
    mean = prediction.mean.cpu()
    images.to_pil(mean[0]).save(out / f"{path.name}.png")
    if asked.samples:
        drawn = sampling.sample(model, observation, asked.samples, seed=asked.seed).cpu()
        for number, picture in enumerate(drawn, start=1):
            images.to_pil(picture).save(out / f"{path.name}.sample-{number}.png")
    if asked.observed or asked.arrays:
        ending = {"": "png", "mask": "png"}.get(asked.observed, asked.observed)
        exchange.write(observation.to("cpu"), out / f"{path.name}.observed.{ending}", masked=asked.observed == "mask")
    if asked.arrays:
        arrays = {"mean": mean[0].numpy()}
        if prediction.has_spread:
            arrays["variance"] = prediction.variance[0].cpu().numpy()
        np.savez_compressed(out / f"{path.name}.npz", **arrays)  # type: ignore[arg-type]
    record = replace(record, observed=int(observation.mask.sum()))
    if truth is None or bool(observation.mask.all()):
        return record
    bits = metrics.bits_per_dim(prediction, truth.to(model.device)) if prediction.has_spread else None
    return replace(record, psnr_db=metrics.psnr_db(mean, truth), ssim=metrics.ssim(mean, truth), bits_per_dim=bits)


def question(model: Predictor, asked: Asked, path: Path) -> tuple[Observation, Tensor | None]:
    """An observation as it is in the file; or the patch of a picture, and the picture"""
    if exchange.is_observation(path):
        return exchange.read(path).as_seen_by(model), None
    side = getattr(model, "side", 32)
    pixels = images.fit(images.open_image(path), side)
    mask = torch.from_numpy(patches.make(asked.family, side, asked.size, asked.seed))[None, None]
    whole = Observation(images.to_tensor(pixels)[None], torch.ones_like(mask)).as_seen_by(model)
    return Observation(whole.values, mask), whole.values


def read_record(path: Path) -> Record | None:
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def summary(asked: Asked, folder: Path, out: Path) -> dict:
    """What the records of all files say so far, written to summary.json: their number, mean scores, and problems. Of
    several processes the last one has them all."""
    found = [record for path in files(folder) if (record := read_record(out / (path.name + RECORD)))]
    good = [record for record in found if not record.problem]
    said: dict = {**asdict(asked), "files": len(files(folder)), "answered": len(good)}
    for name in SCORES:
        values = [value for record in good if (value := getattr(record, name)) is not None]
        said[name] = round(sum(values) / len(values), 4) if values else None
    said["problems"] = {record.file: record.problem for record in found if record.problem}
    replace_text(out / SUMMARY, json.dumps(said, indent=2) + "\n")
    return said


def replace_text(path: Path, text: str) -> None:
    """A kill leaves the old file or the new one."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ImageError(f"{path.name} cannot be written ({error.strerror}).") from error
