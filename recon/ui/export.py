"""Everything that a painting and a model make, as one zip file."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
from PIL import Image

from recon import images
from recon.ui.desk import Desk
from recon.ui.engine import Answer
from recon.ui.session import Session

SCALE = 16
README = """Made by recon.

reconstruction.png, observed.png, sample-N.png   a pixel a pixel, and enlarged 16 times (-16x)
result.npz   mean, variance (channels, height, width), samples (count, channels, height, width), mask (height, width),
             observed (height, width, 3) uint8; values in [0, 1]. A method that gives a mean alone has no more.
session.json   open it on the page to go on; a picture of your own is in it, as the grid had it
"""


def bundle(answer: Answer, desk: Desk, session: Session, count: int = 8, seed: int = 0, truth: str = "") -> bytes:
    """The bytes of a zip file; samples are drawn if the model can. `truth` is a picture that no name brings back."""
    arrays = {
        "mean": answer.mean.numpy(),
        "mask": answer.painting.mask,
        "observed": answer.painting.values,
    }
    pictures = {
        "reconstruction": images.to_pil(answer.mean),
        "observed": Image.fromarray(answer.painting.values),
    }
    if answer.prediction.has_spread:
        samples = desk.sample(answer.model, answer.prediction.observation, count, seed=seed).cpu()
        arrays |= {"variance": answer.prediction.variance[0].cpu().numpy(), "samples": samples.numpy()}
        pictures |= {f"sample-{k + 1}": images.to_pil(sample) for k, sample in enumerate(samples)}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, picture in pictures.items():
            archive.writestr(f"{name}.png", png(picture))
            archive.writestr(f"{name}-{SCALE}x.png", png(images.enlarge(picture, SCALE)))
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
        archive.writestr("result.npz", packed.getvalue())
        archive.writestr("session.json", json.dumps({**session.to_dict(), **({"truth": truth} if truth else {})}))
        archive.writestr("README.txt", README)
    return stream.getvalue()


def png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
