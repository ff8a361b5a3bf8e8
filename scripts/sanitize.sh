#!/usr/bin/env bash
# Builds with AddressSanitizer and UndefinedBehaviorSanitizer and runs the quick tests (not those labelled
# slow). --core: only the tests of core and reference, which take a fraction of the time to build.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd "$SW_ROOT"

case ${1:-} in
  "") core=0 ;;
  --core) core=1 ;;
  *) say "usage: scripts/sanitize.sh [--core]"; exit 2 ;;
esac
ensure_packages build || exit 2
configure_preset asan-ubsan || exit 2

targets=() names=()
if [[ $core -eq 1 ]]; then
  mapfile -t targets <<<"$(ninja -C build/asan-ubsan -t targets all |
    sed -n 's/^\(sw_\(core\|reference\)[a-z0-9_]*_test\): phony$/\1/p')"
  if [[ -z ${targets[0]} ]]; then say "error: build/asan-ubsan has no tests of core"; exit 1; fi
  names=(-R '^(core|reference)')
fi
build_preset asan-ubsan "${targets[@]}" || exit 2
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
exec ctest --preset asan-ubsan -j 2 -LE slow "${names[@]}" </dev/null
