"""`python -m recon`: train, evaluate, reconstruct, publish."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from recon.errors import ReconError

if TYPE_CHECKING:
    from recon.models import MCGSM, RIDE
    from recon.textures import fit


def main(arguments: list[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="python -m recon", description=__doc__)
    verbs = ask.add_subparsers(dest="verb", required=True)

    verb = verbs.add_parser("list", help="what can be loaded")
    verb.set_defaults(run=list_checkpoints)

    verb = verbs.add_parser("train", help="follow a recipe to a checkpoint folder; resumes an interrupted run")
    verb.add_argument("recipe", help="a recipe's name, or a .toml file")
    verb.add_argument("--full", action="store_true", help="at the paper's own size")
    verb.add_argument("--to", type=Path, default=Path("checkpoints"), help="where the checkpoint folder goes")
    verb.add_argument("--runs", type=Path, default=Path("runs"), help="where unfinished runs are kept")
    verb.add_argument("--device", default="auto")
    verb.add_argument("--save-every", type=float, default=60.0, metavar="SECONDS", help="how often a run is saved")
    verb.set_defaults(run=train)

    verb = verbs.add_parser("evaluate", help="the card's table: a checkpoint beside the classical baselines")
    verb.add_argument("names", nargs="+", metavar="NAME", help="checkpoints, or 'table1'")
    verb.add_argument("--limit", type=count, default=300, help="how many test pictures")
    verb.add_argument("--card", action="store_true", help="also write the table into the checkpoint's card")
    verb.set_defaults(run=evaluate)

    verb = verbs.add_parser("figures", help="PixelTransformer's figures, remade: curves, chairs, clips, digits, glance")
    verb.add_argument("names", nargs="*", metavar="NAME", help="some of them; else all")
    verb.add_argument("--to", type=Path, default=Path("docs"), help="the folder that the PNGs go to")
    verb.set_defaults(run=figures)

    verb = verbs.add_parser("design", help="the patch that tells a Gaussian most, for `recon.patches.designed`")
    verb.add_argument("name", help="a Gaussian checkpoint")
    verb.set_defaults(run=design)

    verb = verbs.add_parser("familiarity", help="what real pictures reach by chance, for `recon.familiarity`")
    verb.add_argument("data_set", help="an image set that has a scale mixture")
    verb.add_argument("--limit", type=count, help="how many pictures, at most: 5000 to validate, 500 to test")
    step = verb.add_mutually_exclusive_group()
    step.add_argument("--test", action="store_true", help="write nothing; print who is doubted among test pictures")
    step.add_argument("--train", action="store_true", help="first of all, train what tells pictures from negatives")
    verb.add_argument("--runs", type=Path, default=Path("runs"), help="where unfinished runs are kept")
    verb.set_defaults(run=familiarity)

    verb = verbs.add_parser("texture", help="fit a directed model to a texture: a checkpoint folder")
    verb.add_argument("texture", help="grass, gravel, brick, leaves, or a picture's file")
    verb.add_argument("--to", type=Path, default=Path("checkpoints"), help="where the checkpoint folder goes")
    verb.add_argument("--components", type=count, default=12)
    verb.add_argument("--radius", type=count, default=7, help="of the causal window")
    verb.add_argument("--steps", type=count, default=2500)
    verb.add_argument("--ride", type=int, default=0, metavar="STEPS", help="of a RIDE, too")
    verb.add_argument("--skip", action="store_true", help="RIDE starts from the MCGSM, whose window it sees too")
    verb.add_argument("--decay", type=float, default=0.3, help="of RIDE's weights")
    verb.add_argument("--seed", type=int, default=0)
    verb.set_defaults(run=texture)

    verb = verbs.add_parser("reconstruct", help="a folder of pictures, or of observations, to reconstructions")
    verb.add_argument("folder", type=Path, metavar="IN")
    verb.add_argument("out", type=Path, metavar="OUT")
    verb.add_argument("--model", default="mdn-celeba", help="a checkpoint, or a classical method")
    verb.add_argument("--patch", default="sobol:128", help="what is observed of a picture: family:pixels")
    verb.add_argument("--seed", type=int, default=0, help="of patches with chance in them, and of samples")
    verb.add_argument("--samples", type=count, default=0, help="also that many joint samples")
    verb.add_argument("--arrays", action="store_true", help="also mean and variance as NPZ, and what was observed")
    kinds = ("png", "mask", "npz", "json")
    verb.add_argument("--observed", choices=kinds, default="", help="also what was observed, for this command to read")
    verb.add_argument("--device", default="auto")
    verb.set_defaults(run=reconstruct)

    verb = verbs.add_parser("publish", help="push a checkpoint, or the page and all of them, to the Hugging Face Hub")
    verb.add_argument("name", nargs="?", help="a checkpoint")
    where = verb.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", metavar="OWNER/REPO", help="of that checkpoint")
    where.add_argument("--space", metavar="OWNER/NAME", help="of the page; each checkpoint gets OWNER/recon-CHECKPOINT")
    verb.add_argument("--private", action="store_true")
    verb.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    verb.set_defaults(run=publish)

    arguments = sys.argv[1:] if arguments is None else arguments
    asked = ask.parse_args(arguments, argparse.Namespace(command=" ".join(["python -m recon", *arguments])))
    try:
        return asked.run(asked) or 0
    except ReconError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. A training run goes on from its last save when it is started again.", file=sys.stderr)
        return 130


def count(text: str) -> int:
    """A whole number from 1 up."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def list_checkpoints(asked: argparse.Namespace) -> None:
    from recon import baselines, checkpoints

    for found in checkpoints():
        print(f"{found.name:28} {found.bytes / 1e6:5.1f} MB  {found.title}")
    for name in baselines.NAMES:
        print(f"{name:28}       -  {baselines.load(name).title}")


def train(asked: argparse.Namespace) -> None:
    from recon.training import command

    command.train(asked.recipe, asked.full, asked.to, asked.runs, asked.device, asked.save_every)


def evaluate(asked: argparse.Namespace) -> None:
    from recon import hub
    from recon.evaluation import card, clips, curves, reconstruction, shapes, table1
    from recon.training import recipe

    others = {"curve_transformer": curves, "shape_transformer": shapes, "clip_transformer": clips}
    signals = {record.name: others[record.model] for record in hub.signals()}

    for name in asked.names:
        if name == "table1":
            table = table1.text(table1.rows(asked.limit))
            print(table)
            for network in table1.networks() if asked.card else ():
                command = f"python -m recon evaluate table1 --limit {asked.limit}"
                card.write(hub.resolve(network), recipe.load(network), table, command, table1.ABOUT)
            continue
        if name in signals:
            table = signals[name].table(name, asked.limit)
        else:
            beside = recipe.load(name).beside if name in recipe.names() else ()
            table = reconstruction.table(name, asked.limit, beside)
        print(table)
        if asked.card:
            command = f"python -m recon evaluate {name} --limit {asked.limit}"
            about = signals[name].ABOUT if name in signals else card.UNITS
            card.write(hub.resolve(name), recipe.load(name), table, command, about)


def figures(asked: argparse.Namespace) -> None:
    from recon.evaluation import figures, sheet

    for name in figures.asked_for(asked.names):
        path = asked.to / f"{name}.png"
        sheet.save(figures.FIGURES[name](), path, None if name in figures.COLOURFUL else 256)
        print(f"{path} is written.", flush=True)


def design(asked: argparse.Namespace) -> None:
    import json

    from recon import acquisition, hub, patches
    from recon.evaluation.reconstruction import data_set

    model = acquisition.gaussian_of(hub.load(asked.name))
    if model is None:
        raise ReconError(f"'{asked.name}' has no Gaussian to design a patch by.")
    path = patches.DESIGNS / f"{data_set(asked.name)}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"by": asked.name, "order": acquisition.design(model)}) + "\n")
    print(f"{path} is written.")


def familiarity(asked: argparse.Namespace) -> None:
    import json

    from recon import data, negatives
    from recon import familiarity as familiar
    from recon.evaluation import strangers
    from recon.training.command import follow

    if asked.test:
        print(strangers.table(asked.data_set, asked.limit or strangers.COUNT))
        return
    if asked.train:
        from recon.training import negatives as training

        steps = training.recipe(asked.data_set).steps
        classifier, _ = follow(training.train(asked.data_set, asked.runs), steps, f"negatives-{asked.data_set}")
        negatives.write(classifier, asked.data_set)
    pictures = data.load(asked.data_set, "valid", limit=asked.limit or 5000).float() / 255
    path = familiar.FOLDER / f"{asked.data_set}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(familiar.Judge().measure(asked.data_set, pictures)) + "\n")
    print(f"{path} is written.")


def texture(asked: argparse.Namespace) -> None:
    import torch

    from recon.models import MCGSM, RIDE
    from recon.textures import checkpoint, fit, fit_ride, shipped

    known, image = shipped.find(asked.texture)
    torch.manual_seed(asked.seed)  # only initial weights come from the global generator
    model = MCGSM(above=asked.radius, beside=asked.radius, components=asked.components)
    pixels, linear = fit.rows_held_out(image, model), checkpoint.linear_bits(model, image)

    def follow_fit(model: MCGSM | RIDE, run: Iterator[fit.Progress]) -> None:
        for told in run:
            where = f"{told.phase} {told.step:5} of {told.steps}, {told.seconds:5.1f} s"
            print(f"{where}: {told.learned:.3f} learned, {told.held_out:.3f} held out", flush=True)
        reached = fit.measure(model, pixels, asked.seed)
        result = checkpoint.Reached(*reached, linear, told.seconds, torch.get_num_threads())
        folder = asked.to / f"{model.kind}-{known.name}"
        checkpoint.write(model, folder, known, image.shape, result, asked.command)
        print(f"{folder} is written: {reached[1]:.3f} bits/px held out, the best linear predictor {linear:.3f}")

    follow_fit(model, fit.fit(model, pixels, steps=asked.steps, seed=asked.seed))
    if asked.ride:
        skip = (asked.radius, asked.radius) if asked.skip else None
        ride, start = RIDE(skip=skip, components=asked.components), model if asked.skip else None
        steps = fit_ride.fit_ride(ride, pixels, start=start, steps=asked.ride, decay=asked.decay, seed=asked.seed)
        follow_fit(ride, steps)


def reconstruct(asked: argparse.Namespace) -> int:
    from tqdm import tqdm

    from recon import folders, hub

    what = folders.Asked(asked.model, *folders.patch_of(asked.patch), asked.seed, asked.arrays, asked.samples)
    what = replace(what, observed=asked.observed)
    total = len(folders.files(asked.folder))
    model = hub.load(asked.model, asked.device)
    for record in tqdm(folders.reconstruct(model, what, asked.folder, asked.out), total=total, unit="file", delay=0.1):
        if record.problem:
            print(f"{record.file}: {record.problem}", file=sys.stderr)
    said = folders.summary(what, asked.folder, asked.out)
    scores = ", ".join(f"{name} {said[name]}" for name in folders.SCORES if said[name] is not None)
    print(f"{said['answered']} of {said['files']} answered{': ' * bool(scores)}{scores}")
    return 1 if said["problems"] else 0


def publish(asked: argparse.Namespace) -> None:
    from recon import hub, space

    if (asked.name is None) != (asked.to is None):
        raise ReconError("A checkpoint is published with --to, the page and all of them with --space alone.")
    if asked.space:
        if asked.private:
            raise ReconError("The page of a private Space could not read private models: publish it without --private.")
        what = space.plan(asked.space)
        if asked.dry_run:
            print(what.said())
        else:
            space.publish(what, say=lambda address: print(address, flush=True))
    elif asked.dry_run:
        print(f"models/{asked.to}: {asked.name}, {hub.resolve(asked.name)}")
    else:
        print(hub.publish(asked.name, asked.to, private=asked.private).address)


if __name__ == "__main__":
    sys.exit(main())
