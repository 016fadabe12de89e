"""`python -m benchmarks NAME ...` runs one; without a name it lists them."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def main() -> None:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in names:
        raise SystemExit("python -m benchmarks NAME ..., of: " + ", ".join(names))
    sys.argv = [f"python -m benchmarks {name}", *sys.argv[2:]]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
