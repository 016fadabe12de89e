"""Image sets from the Hugging Face Hub: parquet files whose image column holds encoded pictures."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from PIL import Image

from recon.errors import DataError
from recon.transfer import ANSWER_SECONDS, reason

CHUNK = 1000  # rows decoded at a time; a whole column of encoded pictures need not be in memory


def read(repo: str, revision: str, files: dict[str, str], column: str, split: str) -> np.ndarray:
    """One split as uint8 (count, height, width) where all its pictures are grey, else (count, height, width, 3).

    repo, revision  a data set's repository on the Hub, "owner/name", and a commit or branch of it
    files           the parquet file of each split
    column          the image column: encoded pictures, bare or as the "bytes" of a struct
    Raises DataError if the split is not listed, the file cannot be had or read, or the pictures differ in size.
    """
    if split not in files:
        raise DataError(f"{repo} has no split {split!r}; there are {', '.join(files)}.")
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise DataError("Image sets from the Hub need pyarrow: `pip install pyarrow`.") from error
    path = fetch(repo, revision, files[split])
    try:
        with parquet.ParquetFile(path) as file:
            if column not in file.schema_arrow.names:
                raise DataError(f"{files[split]} of {repo} has no column {column!r}.")
            batches = file.iter_batches(CHUNK, columns=[column])
            pictures = [decode(cell) for batch in batches for cell in batch.column(0).to_pylist()]
        if any(picture.ndim == 3 for picture in pictures):
            pictures = [p if p.ndim == 3 else np.repeat(p[..., None], 3, axis=2) for p in pictures]
        return np.stack(pictures)
    except DataError:
        raise
    except (ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{files[split]} of {repo} does not read as pictures of one size: {error}.") from error


def fetch(repo: str, revision: str, file: str) -> str:
    """Where the file lies in the Hub's cache; the Hub is asked only if it is not there."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import LocalEntryNotFoundError

    what: dict[str, Any] = {"repo_id": repo, "filename": file, "repo_type": "dataset", "revision": revision}
    try:
        with contextlib.suppress(LocalEntryNotFoundError):
            return hf_hub_download(**what, local_files_only=True)
        # hf_hub_download retries for half a minute before it says that the Hub is down; asking once says it at once
        get_hf_file_metadata(hf_hub_url(**what), timeout=ANSWER_SECONDS)
        return hf_hub_download(**what, etag_timeout=ANSWER_SECONDS)
    except Exception as error:  # whatever the Hub, the network or the disk can raise
        raise DataError(f"{file} of {repo} could not be fetched from the Hub: {reason(error)}.") from error


def decode(cell: dict | bytes) -> np.ndarray:
    """A picture as uint8 (height, width) or (height, width, 3)."""
    image = Image.open(io.BytesIO(cell["bytes"] if isinstance(cell, dict) else cell))
    return np.asarray(image.convert("L" if image.mode in ("L", "1") else "RGB"))
