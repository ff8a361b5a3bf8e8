#!/usr/bin/env bash
# clang-tidy over the .cc files that differ from BASE (default: where this branch left origin/main; on main
# itself the commit before; every file when there is no origin/main). Headers count through their .cc.
#   scripts/tidy.sh [--all] [--budget SECONDS] [BASE]
# Exit codes: 0 nothing found, 1 something found, 2 called wrongly, 3 nothing found but the budget ended first.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd "$SW_ROOT"

base="" all=0 budget=0
while [[ $# -gt 0 ]]; do
  case $1 in
    --all) all=1 ;;
    --budget) budget=${2:?--budget needs seconds}; shift ;;
    -*) say "usage: scripts/tidy.sh [--all] [--budget SECONDS] [BASE]"; exit 2 ;;
    *) base=$1 ;;
  esac
  shift
done

if [[ -z $base && $all -eq 0 ]]; then
  base=$(git merge-base origin/main HEAD 2>/dev/null || true)
  if [[ $base == "$(git rev-parse HEAD)" ]]; then base=$(git rev-parse -q --verify HEAD~1 || true); fi
elif [[ -n $base ]] && ! git rev-parse -q --verify "$base^{commit}" >/dev/null; then
  say "error: '$base' is no commit of this repository"
  exit 2
fi

candidates() {
  if [[ -z $base || $all -eq 1 ]]; then
    git ls-files -co --exclude-standard -- '*.cc'
  else
    {
      git diff --name-only --diff-filter=d "$base" -- '*.cc' '*.h'
      git ls-files -o --exclude-standard -- '*.cc' '*.h'
    } | sed 's/\.h$/.cc/'
  fi | sort -u | while read -r file; do [[ -f $file ]] && printf '%s\n' "$file"; done || true
}

ensure_packages build check || exit 2
configure_preset dev || exit 2
candidates | python3 scripts/run_tidy.py --jobs "$(build_jobs)" --budget "$budget"
