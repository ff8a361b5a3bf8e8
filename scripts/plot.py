#!/usr/bin/env python3
"""Draws the figures of a run from its records.jsonl alone, into DIR/plots/*.png.

  scripts/plot.py results/runs/niah

  accuracy.png  accuracy against measured prefill density, with the record's 95 % intervals
  hit_rate.png  share of the needle's blocks that each layer keeps, prefill and decode
  stages.png    seconds of each stage, stacked, per arm

One panel per task, length and scoring. Fields used (results/schema.md): status, arm.label, task.name, task.length,
scoring, accuracy.{percent,low,high,n}, density.measured.prefill, hit_rate.{prefill,decode}_by_layer,
time.{claim,stages_s}. A figure whose fields no record has is left out, and that is said.
Exit codes: 0 drawn, 2 no records or no matplotlib.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import sys

# Debian's python3-matplotlib belongs to this one; another python3 may come first on the PATH.
SYSTEM_PYTHON = "/usr/bin/python3"
DENSE = "dense"


class UserError(Exception):
    """What is wrong, where, and what to do."""


def at(record, path, otherwise=None):
    """record["a"]["b"] for "a.b"; `otherwise` when a step is missing or null."""
    for key in path.split("."):
        if not isinstance(record, dict) or record.get(key) is None:
            return otherwise
        record = record[key]
    return record


def read_records(folder):
    """The finished points, the last line of each winning; a torn last line is dropped."""
    path = folder / "records.jsonl"
    if not path.is_file():
        raise UserError(f"{path}: no such file; name the folder that 'swharness run' wrote")
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    points = {}
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):
                continue
            raise UserError(f"{path}:{number}: not JSON ({error}); remove that line") from error
        if at(record, "status", "ok") == "ok" and at(record, "arm.label"):
            points[(panel_of(record), at(record, "arm.label"))] = record
    if not points:
        raise UserError(f"{path}: no finished point in it; run the config again")
    return list(points.values())


def panel_of(record):
    return at(record, "task.name", "no task"), at(record, "task.length", 0), at(record, "scoring", "generate")


def title_of(panel):
    name, length, scoring = panel
    return ", ".join([name] + [f"{length} tokens"] * bool(length) + [scoring] * (scoring != "generate"))


def time_label_of(record):
    """The arm; where its time is no claim (the oracle's), that is said beside it."""
    return at(record, "arm.label") + (" (no claim)" if at(record, "time.claim") is False else "")


def stages_of(record):
    """(phase, stage) -> seconds; stages_s may be flat or hold one object per phase."""
    stages = {}
    for name, value in at(record, "time.stages_s", {}).items():
        if isinstance(value, dict):
            stages.update({(name, stage): seconds for stage, seconds in value.items() if seconds is not None})
        elif value is not None:
            stages[("sample", name)] = value
    return stages


class Figures:
    def __init__(self, records, folder, plt):
        self._records = records
        self._folder = folder
        self._plt = plt
        self._panels = list(dict.fromkeys(panel_of(record) for record in records))
        arms = list(dict.fromkeys(at(record, "arm.label") for record in records))
        colours = plt.get_cmap("tab10" if len(arms) <= 10 else "tab20").colors
        markers = "osD^vP*X<>"
        self._style = {arm: {"color": "black" if arm == DENSE else colours[i % len(colours)],
                             "marker": markers[i % len(markers)]} for i, arm in enumerate(arms)}

    def _in_panel(self, panel):
        return [record for record in self._records if panel_of(record) == panel]

    def _grid(self, rows, panels, height=3.4):
        size = (max(4.5, 3.6 * len(panels)) + 0.5, height * rows)
        return self._plt.subplots(rows, len(panels), figsize=size, squeeze=False, constrained_layout=True)

    def _save(self, figure, axes, name):
        """One legend below all panels, then the file, complete or not at all."""
        entries = {}
        for axis in axes.flat:
            entries.update({label: handle for handle, label in zip(*axis.get_legend_handles_labels())})
        if entries:
            columns = min(len(entries), 2 * axes.shape[1])
            lines = -(-len(entries) // columns)
            width, height = figure.get_size_inches()
            figure.set_size_inches(width, height + 0.25 * lines)
            below = axes[-1, axes.shape[1] // 2] if axes.shape[1] % 2 else None
            anchor = below or figure
            anchor.legend(list(entries.values()), list(entries), ncol=columns, fontsize=7, frameon=False,
                          loc="upper center" if below else "lower center",
                          bbox_to_anchor=(0.5, -0.18) if below else (0.5, -0.02 - 0.04 * lines))
        part = self._folder / (name + ".part")
        figure.savefig(part, format="png", dpi=150, bbox_inches="tight")
        part.replace(self._folder / name)
        self._plt.close(figure)

    def accuracy(self):
        def has_both(record):
            return at(record, "accuracy.percent") is not None and at(record, "density.measured.prefill") is not None

        panels = [panel for panel in self._panels if any(map(has_both, self._in_panel(panel)))]
        if not panels:
            return "no record has an accuracy"
        figure, axes = self._grid(1, panels)
        for axis, panel in zip(axes.flat, panels):
            for record in filter(has_both, self._in_panel(panel)):
                arm, percent = at(record, "arm.label"), at(record, "accuracy.percent")
                low, high = at(record, "accuracy.low", percent), at(record, "accuracy.high", percent)
                axis.errorbar(at(record, "density.measured.prefill"), percent,
                              yerr=[[max(0, percent - low)], [max(0, high - percent)]], label=arm, capsize=3,
                              linestyle="", markersize=5, **self._style[arm])
                if arm == DENSE:
                    axis.axhline(percent, color="black", linewidth=0.8, linestyle=":")
            counts = sorted({at(record, "accuracy.n", 0) for record in self._in_panel(panel)})
            axis.set(title=f"{title_of(panel)} (n = {', '.join(map(str, counts))})", xlim=(0, 1.05),
                     ylim=(-4, 104), xlabel="measured density, prefill")
            axis.title.set_fontsize(9)
            axis.grid(alpha=0.3)
        axes[0, 0].set_ylabel("accuracy, %, 95 % interval")
        return self._save(figure, axes, "accuracy.png")

    def hit_rate(self):
        phases = [phase for phase in ("prefill", "decode")
                  if any(value is not None for record in self._records
                         for value in at(record, f"hit_rate.{phase}_by_layer", []))]
        if not phases:
            return "no record has a hit rate"
        figure, axes = self._grid(len(phases), self._panels, 2.8)
        for row, phase in zip(axes, phases):
            for axis, panel in zip(row, self._panels):
                for record in self._in_panel(panel):
                    rates = at(record, f"hit_rate.{phase}_by_layer", [])
                    shown = [(layer, rate) for layer, rate in enumerate(rates) if rate is not None]
                    if shown:  # a gap in the line would hide lone layers: the markers show them
                        arm = at(record, "arm.label")
                        axis.plot(*zip(*shown), label=arm, markersize=3, linewidth=1, **self._style[arm])
                axis.set_title(title_of(panel), fontsize=9)
                axis.set(xlabel="layer (dense layers have none)", ylim=(-0.04, 1.04))
                axis.xaxis.get_major_locator().set_params(integer=True)
                axis.grid(alpha=0.3)
            row[0].set_ylabel(f"needle's blocks kept, {phase}")
        return self._save(figure, axes, "hit_rate.png")

    def stages(self):
        stages = {id(record): stages_of(record) for record in self._records}
        phases = list(dict.fromkeys(phase for found in stages.values() for phase, _ in found))
        if not phases:
            return "no record has times by stage"
        names = list(dict.fromkeys(stage for found in stages.values() for _, stage in found))
        colours = self._plt.get_cmap("tab20").colors
        most_arms = max(len(self._in_panel(panel)) for panel in self._panels)
        figure, axes = self._grid(len(phases), self._panels, 1.3 + 0.3 * most_arms)
        for row, phase in zip(axes, phases):
            for axis, panel in zip(row, self._panels):
                records = self._in_panel(panel)
                left = [0.0] * len(records)
                for i, name in enumerate(names):
                    seconds = [stages[id(record)].get((phase, name), 0.0) for record in records]
                    if any(seconds):
                        axis.barh(range(len(records)), seconds, left=left, label=name,
                                  color=colours[i % len(colours)])
                    left = [a + b for a, b in zip(left, seconds)]
                axis.set_yticks(range(len(records)), list(map(time_label_of, records)), fontsize=7)
                axis.invert_yaxis()
                axis.set_title(f"{title_of(panel)}: {phase}", fontsize=9)
                per = "per step" if phase == "decode" else "per sample"
                axis.set_xlabel(f"seconds {per}, median")
        return self._save(figure, axes, "stages.png")


def draw(folder, output):
    """Draws what the records allow; returns the files and why others were left out."""
    records = read_records(folder)
    try:
        import matplotlib  # pylint: disable=import-outside-toplevel
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt  # pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise UserError(f"no matplotlib ({error}); run: sudo apt-get install python3-matplotlib") from error
    output.mkdir(parents=True, exist_ok=True)
    figures = Figures(records, output, plt)
    drawn, left_out = [], []
    for name in ("accuracy", "hit_rate", "stages"):
        reason = getattr(figures, name)()
        if reason:
            left_out.append(f"{name}.png: {reason}")
        else:
            drawn.append(output / f"{name}.png")
    return drawn, left_out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=pathlib.Path, help="the folder of a run")
    parser.add_argument("--out", type=pathlib.Path, help="where the figures go (default: DIR/plots)")
    arguments = parser.parse_args()
    if importlib.util.find_spec("matplotlib") is None and os.path.exists(SYSTEM_PYTHON) and not os.path.samefile(
            sys.executable, SYSTEM_PYTHON):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
    try:
        drawn, left_out = draw(arguments.dir, arguments.out or arguments.dir / "plots")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or arguments.dir}: {error.strerror}", file=sys.stderr)
        return 2
    for path in drawn:
        print(f"plot: {path}")
    for reason in left_out:
        print(f"no plot: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
