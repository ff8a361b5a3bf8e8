#!/usr/bin/env python3
"""Validates what a real (tiny) run writes against the schemas, and the schemas against their own slackness.

usage: schema_test.py TEST_PROGRAM   (the test program of harness/run, which can write such runs)
Exit codes: 0 all valid, 1 not, 77 skipped because python3-jsonschema is missing.
"""

import copy
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("SKIPPED: python3-jsonschema is missing (apt install python3-jsonschema)")
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent


def load_schema(name):
    schema = json.loads((HERE / f"{name}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return schema


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def complaints(schema, document, what):
    for error in jsonschema.Draft7Validator(schema).iter_errors(document):
        yield f"{what}: {'/'.join(map(str, error.absolute_path))}: {error.message}"


def objects_in(schema, document, path=()):
    """Paths of all objects whose fields the schema fixes; maps with free keys are not among them."""
    if isinstance(document, dict):
        if path and path[-1] not in ("by_part", "prefill", "decode") or not path:
            yield path
        for key, value in document.items():
            yield from objects_in(schema, value, path + (key,))
    elif isinstance(document, list) and document:
        yield from objects_in(schema, document[0], path + (0,))


def at(document, path):
    for key in path:
        document = document[key]
    return document


# Fields of a record that published runs of earlier builds lack.
ADDED_LATER = {"sketch"}


def slackness(schema, document, what):
    """Complaints about fields that could be added or left out without the schema noticing."""
    validator = jsonschema.Draft7Validator(schema)
    for path in objects_in(schema, document):
        where = "/".join(map(str, path)) or "top"
        changed = copy.deepcopy(document)
        at(changed, path)["surprise"] = "?"
        if validator.is_valid(changed):
            yield f"{what}: an unknown field in {where} is accepted"
        for key in at(document, path):
            if not path and key in ADDED_LATER:
                continue
            changed = copy.deepcopy(document)
            del at(changed, path)[key]
            if validator.is_valid(changed):
                yield f"{what}: {where} without {key} is accepted"


def undocumented(schema, words, path=""):
    """Fields that schema.md does not mention, alone or with the object that they are in."""
    for name, inner in schema.get("properties", {}).items():
        is_group = "properties" in inner
        if not is_group and f"`{name}`" not in words and f"`{path}.{name}`" not in words and f".{name}`" not in words:
            yield name
        yield from undocumented(inner, words, name)


def check_run(folder, schemas):
    records = lines_of(folder / "records.jsonl")
    samples = lines_of(folder / "samples.jsonl")
    summary = json.loads((folder / "summary.json").read_text())
    for number, record in enumerate(records):
        yield from complaints(schemas["record"], record, f"{folder.name} record {number}")
    for number, sample in enumerate(samples):
        yield from complaints(schemas["sample"], sample, f"{folder.name} sample {number}")
    yield from complaints(schemas["summary"], summary, f"{folder.name} summary")
    with open(folder / "summary.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if [list(row) for row in rows] != [list(record) for record in summary["records"]]:
        yield f"{folder.name}: summary.csv has other columns than summary.json"
    if len(rows) != len(records):
        yield f"{folder.name}: {len(rows)} rows in summary.csv, {len(records)} records"


def main():
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} TEST_PROGRAM\n{__doc__}", file=sys.stderr)
        return 1
    schemas = {name: load_schema(name) for name in ("record", "sample", "summary")}
    found = []
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        subprocess.run([sys.argv[1], "[write_runs]"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "SW_WRITE_RUNS_TO": str(root)})
        runs = sorted(root.iterdir())
        for run in runs:
            found += check_run(run, schemas)
        records = [record for run in runs for record in lines_of(run / "records.jsonl")]
        statuses = {record["status"] for record in records}
        policies = {record["arm"]["policy"] for record in records}
        if not {"ok", "failed", "missing_data", "interrupted"} <= statuses or len(policies) < 6:
            found.append(f"the runs are too tame to tell: {statuses}, {policies}")
        for policy in sorted(policies):
            record = next(r for r in records if r["arm"]["policy"] == policy and r["n"] > 0)
            found += slackness(schemas["record"], record, f"record of {policy}")
        summary = json.loads((runs[0] / "summary.json").read_text())
        found += slackness(schemas["summary"], summary, "summary")
        found += slackness(schemas["sample"], lines_of(runs[0] / "samples.jsonl")[0], "sample")
    published = sorted(folder.parent for folder in (HERE / "published").glob("*/records.jsonl"))
    for run in published:
        found += check_run(run, schemas)
    for name in ("arm", "environment", "measure", "model", "task_config"):
        if schemas["record"]["definitions"][name] != schemas["summary"]["definitions"][name]:
            found.append(f"definition {name} differs between record and summary")
    words = (HERE / "schema.md").read_text()
    for name in schemas:
        found += [f"schema.md does not mention {field} of a {name}"
                  for field in undocumented(schemas[name], words)]
    for line in found:
        print(line)
    print(f"schemas: {len(records)} records of {len(runs)} runs, {len(published)} published runs, "
          f"{len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
