"""clang-tidy over the files named on standard input, in parallel; scripts/tidy.sh calls it.

A file that passed is looked at again only when it, its headers, its flags or .clang-tidy have changed.
Exit codes: 0 nothing found, 1 something found, 3 nothing found but the budget ended first.
"""

import argparse
import json
import subprocess
import sys

import source_tree


def command(build, file):
    words = ["clang-tidy", "-p", str(build), "--quiet", file]
    if file.endswith("_test.cc"):  # tests look at moved-from objects on purpose
        words.append("--checks=-bugprone-use-after-move")
    return words


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one file")
    parser.add_argument("--budget", type=float, default=0, help="seconds after which no file is begun; 0: none")
    arguments = parser.parse_args()

    build = source_tree.ROOT / "build" / "dev"
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        commands[entry["file"]] = entry["command"]
    named = [name for name in sys.stdin.read().split("\n") if name]
    files = [name for name in named if str(source_tree.ROOT / name) in commands]
    # What was touched last is looked at first: a budget then cuts off the oldest.
    files.sort(key=lambda name: -(source_tree.ROOT / name).stat().st_mtime)

    version = subprocess.run(["clang-tidy", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    salt = version + (source_tree.ROOT / ".clang-tidy").read_text() + source_tree.flags_key(build)
    passed, failed, not_run = source_tree.check_each(
        files, lambda file: command(build, file), build / "tidy_checked.json", salt, arguments.jobs,
        arguments.timeout, arguments.budget or None)
    for file, output in failed:
        noise = ("warnings generated", "Suppressed ", "Use -header-filter", "warnings treated as errors")
        print(f"{file}:")
        print("\n".join(line for line in output.splitlines() if not any(word in line for word in noise)))
    outside = len(named) - len(files)
    print(f"clang-tidy: {passed} files pass, {len(failed)} fail"
          + (f", {len(not_run)} not reached within {arguments.budget:.0f} s" if not_run else "")
          + (f", {outside} not part of build/dev" if outside else ""))
    return 1 if failed else 3 if not_run else 0


if __name__ == "__main__":
    sys.exit(main())
