"""The sources of this checkout and who includes whom: shared by the Python checks beside it."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CODE_SUFFIXES = (".h", ".cc", ".inc", ".cuh", ".cu")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)


def listed_files(root=ROOT):
    """Tracked files and those that git would track, as paths relative to root, sorted."""
    listing = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"],
                             stdout=subprocess.PIPE, check=True).stdout.decode()
    return sorted({name for name in listing.split("\0") if name and (root / name).is_file()})


def read_text(root, name):
    return (root / name).read_text(encoding="utf-8", errors="replace")


def includes_of(text):
    """Yields (line number, file, whether it is in quotes) for each #include, comments aside."""
    text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match.group().count("\n"), text, flags=re.DOTALL)
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1) if match.group(1) else match.start(2)) + 1
        yield line, match.group(1) or match.group(2), match.group(1) is not None


class IncludeGraph:
    """Hashes a file together with all of ours that it includes, however far down."""

    def __init__(self, root=ROOT):
        self._root = root
        self._own = {}

    def _read(self, name):
        if name not in self._own:
            text = read_text(self._root, name)
            inner = [file for _, file, _ in includes_of(text) if (self._root / file).is_file()]
            self._own[name] = (hashlib.sha256(text.encode()).hexdigest(), inner)
        return self._own[name]

    def key(self, name, salt):
        seen, queue = {}, [name]
        while queue:
            file = queue.pop()
            if file not in seen:
                seen[file], inner = self._read(file)
                queue.extend(inner)
        text = salt + "".join(f"{file} {digest}\n" for file, digest in sorted(seen.items()))
        return hashlib.sha256(text.encode()).hexdigest()


def compile_flags(build):
    """Include folders and the standard, from the compile commands that CMake wrote; None if it has not."""
    database = build / "compile_commands.json"
    if not database.is_file():
        return None
    flags = {"-std=c++20": None}
    for entry in json.loads(database.read_text()):
        words = entry["command"].split()
        for word, following in zip(words, words[1:] + [""]):
            if word == "-isystem":
                flags[f"-isystem{following}"] = None
            elif word.startswith(("-I", "-isystem/")):
                flags[word] = None
    return list(flags)


def flags_key(build):
    """Changes when the include folders or the standard do, but not when files come or go."""
    return " ".join(sorted(compile_flags(build)))


def check_each(files, command_of, store, salt, jobs=None, timeout_s=300, budget_s=None):
    """Runs command_of(file) for each file that has changed since it last passed.

    store is a JSON file of the keys that passed; salt is what else the verdict depends on (tool, flags).
    Nothing is started after budget_s seconds. Returns (passed, [(file, output)] failed, [file] not run).
    """
    graph = IncludeGraph()
    known = json.loads(store.read_text()) if store.is_file() else {}
    keys = {file: graph.key(file, salt) for file in files}
    todo = [file for file in files if known.get(file) != keys[file]]
    deadline = time.monotonic() + budget_s if budget_s else None

    def run(file):
        if deadline and time.monotonic() > deadline:
            return file, None, ""
        try:
            done = subprocess.run(command_of(file), cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout_s,
                                  check=False)
            return file, done.returncode, done.stdout
        except subprocess.TimeoutExpired:
            return file, 124, f"took more than {timeout_s} seconds\n"

    failed, not_run = [], []
    with concurrent.futures.ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        for file, code, output in pool.map(run, todo):
            if code is None:
                not_run.append(file)
            elif code != 0:
                failed.append((file, output))
            else:
                known[file] = keys[file]
    store.parent.mkdir(parents=True, exist_ok=True)
    store.write_text(json.dumps({file: key for file, key in known.items() if (ROOT / file).is_file()}))
    return len(files) - len(failed) - len(not_run), failed, not_run
