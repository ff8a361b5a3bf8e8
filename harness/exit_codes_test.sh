#!/usr/bin/env bash
# exit_codes_test.sh BINARY: the program's exit codes and first words, without a model.
set -uo pipefail
binary=$1
folder=$(mktemp -d "${TMPDIR:-/tmp}/swharness-test.XXXXXX")
trap 'rm -rf -- "$folder"' EXIT
export SWHARNESS_HOME=$folder XDG_DATA_HOME=$folder/xdg
failures=0

# expect CODE TEXT ARGUMENT...: the exit code, and a text in what is printed.
expect() {
  local code=$1 text=$2 output got=0
  shift 2
  output=$("$binary" "$@" 2>&1) || got=$?
  if [[ $got -ne $code || $output != *"$text"* ]]; then
    printf 'swharness %s: exit %s, wanted %s with "%s":\n%s\n' "$*" "$got" "$code" "$text" "$output"
    failures=$((failures + 1))
  fi
}

printf 'model: ./none.gguf\narms: [dense, {sketch_walk: {block_size: 32}}]\n' >"$folder/good.yaml"
printf 'model: m\narms:\n  - sketch_walk: {top_block: 3}\n' >"$folder/bad.yaml"

expect 2 "Usage"
expect 0 "Usage" --help
expect 0 "swharness " --version
expect 2 "unknown command 'runn'; did you mean run?" runn
expect 2 "config is required" run
expect 2 "--no-such-flag" run x --no-such-flag
expect 2 "--limit" run x --limit 0
for command in run describe tasks models doctor; do
  expect 0 "example: swharness $command" "$command" --help
done
expect 0 "niah_single_1" tasks
expect 0 "reference" doctor
expect 2 "no config 'nowhere.yaml'" run nowhere.yaml
expect 2 "$folder/bad.yaml:3:19: unknown key 'top_block' in arm sketch_walk" run "$folder/bad.yaml"
expect 2 "./none.gguf: no such file" run "$folder/good.yaml"
expect 2 "--set 'task.sampels=3'" run "$folder/good.yaml" --set task.sampels=3
expect 2 "the folder is not empty" run "$folder/good.yaml" --out "$folder"
# A --set takes one word: the config may stand behind it. The weights are not needed to describe.
expect 0 "sketch_walk top_blocks=4" describe --set 'arms.sketch_walk.top_blocks=[4,8]' "$folder/good.yaml"
# What a run leaves behind when it may not start: nothing.
if compgen -G "$folder/results*" >/dev/null; then
  echo "a refused run made results/"
  failures=$((failures + 1))
fi

exit "$((failures > 0))"
