"""Draws the growth with the number of hosts: `picture.py FIGURES.json OUT.svg`, in the peers' environment."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "gpu-metal"  # the same figures give the same file
from matplotlib import pyplot as plt  # noqa: E402

ASKED = ("nothing to do", "drift asked")


def main(figures: Path, out: Path) -> None:
    """One panel for each question, one line for each way."""
    lines = json.loads(figures.read_text())["lines"]
    panels = plt.subplots(1, len(ASKED), figsize=(9, 3.6), constrained_layout=True)
    for axes, what in zip(panels[1], ASKED, strict=True):
        for way in dict.fromkeys(line["way"] for line in lines):
            points = sorted((x["hosts"], x["cost"]["wall"]) for x in lines if (x["way"], x["what"]) == (way, what))
            axes.plot(*zip(*points, strict=True), marker="o", label=way)
        axes.set(title=what, xlabel="hosts", ylabel="seconds", ylim=(0, None))
        axes.legend()
    panels[0].savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
