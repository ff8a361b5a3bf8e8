#!/usr/bin/env bash
# Formats every C++ and CUDA source by .clang-format; with --check it only names what differs (exit 1).
# Lines between "clang-format off" and "on" stay as they are.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd "$SW_ROOT"

case ${1:-} in
  "") check=0 mode=(-i) ;;
  --check) check=1 mode=(--dry-run -Werror -ferror-limit=1) ;;
  *) say "usage: scripts/format.sh [--check]"; exit 2 ;;
esac
ensure_packages check || exit 2

report=$(mktemp "${TMPDIR:-/tmp}/swharness-format.XXXXXX")
trap 'rm -f -- "$report"' EXIT
code=0
git ls-files -z -co --exclude-standard -- '*.h' '*.cc' '*.inc' '*.cuh' '*.cu' |
  while IFS= read -r -d '' file; do if [[ -f $file ]]; then printf '%s\0' "$file"; fi; done |
  xargs -0 -r -P "$(nproc)" -n 8 clang-format "${mode[@]}" 2>"$report" || code=1
if [[ $check -eq 0 && $code -ne 0 ]]; then cat "$report" >&2; fi
if [[ $check -eq 1 && $code -ne 0 ]]; then
  { grep -E '^[^ ]+:[0-9]+:[0-9]+: error:' "$report" || tail -n 20 "$report"; } | sort -u
  say "format: run scripts/format.sh"
fi
exit "$code"
