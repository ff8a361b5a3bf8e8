#!/usr/bin/env python3
"""Makes the tables of results/README.md, and those between markers in README.md, from results/published/.

  scripts/make_tables.py            writes both files
  scripts/make_tables.py --check    exit 1 when a file is not what its records say

A marker line `<!-- table NAME -->` in README.md is followed by the table of results/published/NAME up to the line
`<!-- end -->`. Tables are never edited by hand.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "results" / "published"
MARKED = re.compile(r"(<!-- table ([a-z0-9_]+) -->\n).*?(<!-- end -->)", re.DOTALL)

HEADER = ("| length | scoring | arm | accuracy % [95 %] | needle-block hit rate, prefill / decode | density of pairs, "
          "sparse / all layers | TTFT s | TPOT ms | attention, times dense: prefill / decode | peak MiB |")
RULE = "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"


def number(value, form, scale=1.0):
    return "" if value is None else format(value * scale, form)


def pair(left, right, form):
    """'left / right', a dash for a side that does not exist; empty without both."""
    if left is None and right is None:
        return ""
    return " / ".join(format(side, form) if side is not None else "-" for side in (left, right))


def row(record):
    accuracy, time = record["accuracy"], record["time"]
    measured, hits = record["density"]["measured"], record["hit_rate"]
    claim = time.get("claim", True)
    faster = [time[kind]["speedup_vs_dense"] if claim else None for kind in ("prefill_attention", "decode_attention")]
    score = ""
    if accuracy["percent"] is not None:
        score = f"{accuracy['percent']:.0f} [{accuracy['low']:.0f}, {accuracy['high']:.0f}]"
    cells = (record["task"]["length"], record["scoring"], record["arm"]["label"], score,
             pair(hits["prefill"], hits["decode"], ".2f"),
             pair(measured["prefill_sparse_layers"], measured["prefill"], ".2f"),
             number(time["ttft"]["median_s"] if claim else None, ".2f"),
             number(time["tpot"]["median_s"] if claim else None, ".1f", 1e3),
             pair(*faster, ".2f"), number(record["memory"]["peak_bytes"], ".0f", 2.0 ** -20))
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def records_of(name):
    text = (PUBLISHED / name / "records.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def command_of(record):
    """The command line as a user types it."""
    words = record["environment"]["command_line"][1:]
    quoted = [f"'{word}'" if re.search(r"[\[\]{}() ]", word) else word for word in words]
    return " ".join(["scripts/swharness", *quoted])


def table(name):
    records = records_of(name)
    first = records[0]
    environment, device = first["environment"], first["environment"]["device"]
    tasks = ", ".join(sorted({record["task"]["name"] for record in records}))
    lines = [HEADER, RULE, *(row(record) for record in records), "",
             f"{tasks}, {first['model']['name']}, template {first['template']}, n = {first['n']} each, "
             f"{first['timed']} timed; {device['name']} ({device['simd']}, {device['num_threads']} threads), "
             f"swharness {environment['version']} at {environment['commit'][:10]}"
             f"{' with changes' if environment['dirty'] else ''}, {environment['started_at'][:10]}:",
             "", f"    {command_of(first)}", ""]
    return "\n".join(lines)


def results_readme():
    names = sorted(folder.name for folder in PUBLISHED.iterdir() if (folder / "records.jsonl").is_file())
    parts = ["# Results", "",
             "Made by `scripts/make_tables.py` from the committed records; never edited by hand. `schema.md` says what "
             "every field of a record means, `notes/` what was asked, expected, measured and decided.", "",
             "Accuracies are means with 95 % intervals. Densities are kept over causal (query, key) token pairs, counted "
             "from the lists. A ratio above 1 means faster than the dense arm of the same run; the oracle's times are no "
             "claim and are left out.", ""]
    for name in names:
        parts += [f"## [{name}](published/{name})", "", table(name)]
    return "\n".join(parts)


def main():
    wanted = {ROOT / "results" / "README.md": results_readme()}
    readme = ROOT / "README.md"
    if readme.is_file():
        text = readme.read_text(encoding="utf-8")
        wanted[readme] = MARKED.sub(
            lambda m: f"{m[1]}{table(m[2])}{m[3]}" if (PUBLISHED / m[2]).is_dir() else m[0], text)
    stale = [path for path, text in wanted.items()
             if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)}: not what results/published says; run scripts/make_tables.py")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
