# Shared by the bash scripts beside it; sourced, never run. Sets SW_ROOT, the root of the checkout.
# shellcheck shell=bash
#   ensure_packages GROUP...   what packages.txt lists under [GROUP] is there, or return 2
#   python_with MODULE         prints a python3 that has it, or returns 1
#   configure_preset PRESET    cmake has configured build/PRESET, or return 2
#   build_preset PRESET [TARGET...]   the targets (default: all) are up to date, or return 2
# Notices go to stderr, so that stdout stays the caller's. Functions return 2 for what the user can
# mend, after saying what and how; callers write `f || exit 2`.

SW_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '%s\n' "$*" >&2; }

# --- packages -----------------------------------------------------------------------------------

# _package_lines GROUP...: the lines "package gives" of these groups.
_package_lines() {
  awk -v groups=" $* " '
    /^# \[/ { name = $2; gsub(/[][]/, "", name); wanted = index(groups, " " name " ") > 0; next }
    /^#/ || NF == 0 { next }
    wanted { print $1, $2 }' "$SW_ROOT/scripts/packages.txt"
}

# Debian's python3-* packages belong to /usr/bin/python3; another may come first on the PATH.
python_with() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c "import $1" >/dev/null 2>&1; then
      printf '%s\n' "$python"
      return 0
    fi
  done
  return 1
}

# _is_given WHAT: true when this machine has it, wherever it came from.
_is_given() {
  local kind=${1%%:*} name=${1#*:} header
  case $kind in
    cmd) command -v "$name" >/dev/null 2>&1 ;;
    py) python_with "$name" >/dev/null ;;
    file) [[ -e $name ]] ;;
    hdr)
      command -v c++ >/dev/null 2>&1 || return 1
      for header in ${name//|/ }; do
        c++ -E -x c++ -include "$header" /dev/null >/dev/null 2>&1 && return 0
      done
      return 1 ;;
    *) return 1 ;;
  esac
}

# _installed PACKAGE...: those of them that dpkg has installed, one per line.
_installed() {
  # dpkg-query fails when it does not know a name, and prints the others all the same.
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    awk '$1 == "installed" { print $2 }' || true
}

# _apt_install LOG PREFIX PACKAGE...: PREFIX is "" or sudo.
_apt_install() {
  local log=$1 prefix=$2
  shift 2
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
  [[ -n $prefix ]] && apt=("$prefix" -n "${apt[@]}")
  # The package lists of a fresh machine are empty or stale; they are renewed only when they must be.
  "${apt[@]}" install --no-install-recommends "$@" </dev/null >"$log" 2>&1 && return 0
  "${apt[@]}" update </dev/null >>"$log" 2>&1
  "${apt[@]}" install --no-install-recommends "$@" </dev/null >>"$log" 2>&1
}

ensure_packages() {
  local package gives here lines missing=() names=()
  mapfile -t lines <<<"$(_package_lines "$@")"
  if [[ -z ${lines[0]} ]]; then
    say "error: scripts/packages.txt lists nothing under: $*"
    return 2
  fi
  for package in "${lines[@]}"; do names+=("${package%% *}"); done
  here=""
  if command -v dpkg-query >/dev/null 2>&1; then
    here=" $(_installed "${names[@]}" | tr '\n' ' ')"
  fi
  for package in "${lines[@]}"; do
    gives=${package#* } package=${package%% *}
    [[ $here == *" $package "* ]] || _is_given "$gives" || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return 0

  local command="apt-get install --no-install-recommends ${missing[*]}" prefix="" log
  if ! command -v apt-get >/dev/null 2>&1; then
    say "error: this machine lacks what these Debian packages give: ${missing[*]}"
    say "  There is no apt-get here: install their counterparts of your system, then run this again."
    return 2
  fi
  if [[ ${SWHARNESS_NO_INSTALL:-0} == 1 ]]; then
    say "error: missing packages, and SWHARNESS_NO_INSTALL=1 forbids to install them: ${missing[*]}"
    say "  run: sudo $command"
    return 2
  fi
  if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo >/dev/null 2>&1 || ! sudo -n true 2>/dev/null; then
      say "error: missing packages, and only root may install them (sudo asks for a password): ${missing[*]}"
      say "  run: sudo $command"
      return 2
    fi
    prefix=sudo
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  log=$(mktemp "${TMPDIR:-/tmp}/swharness-apt.XXXXXX")
  if ! _apt_install "$log" "$prefix" "${missing[@]}"; then
    say "error: apt-get could not install: ${missing[*]}"
    tail -n 15 "$log" >&2
    say "  Is the network up, and (on Ubuntu) the 'universe' component on? Then run: sudo $command"
    rm -f "$log"
    return 2
  fi
  rm -f "$log"
}

# --- building -----------------------------------------------------------------------------------

# Bytes of memory that this process may still take: the machine's, or its container's if that is less.
_free_memory() {
  local free limit used
  free=$(awk '/^MemAvailable:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo 2>/dev/null)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || true)
  used=$(cat /sys/fs/cgroup/memory.current 2>/dev/null || true)
  free=${free:-4294967296}
  if [[ $limit =~ ^[0-9]+$ && $used =~ ^[0-9]+$ ]] && ((limit - used < free)); then
    free=$((limit - used))
  fi
  printf '%s\n' "$free"
}

# How many compilers at once: one per processor, and 1.5 GB for each.
build_jobs() {
  local jobs by_memory
  jobs=${SWHARNESS_JOBS:-$(nproc)}
  by_memory=$(($(_free_memory) / 1500000000))
  ((by_memory < jobs)) && jobs=$by_memory
  ((jobs < 1)) && jobs=1
  printf '%s\n' "$jobs"
}

# _fail_with_log LOG WHAT
_fail_with_log() {
  say "error: $2 failed; the last lines of $1:"
  tail -n 40 "$1" >&2
  return 2
}

# What the configured state depends on and ninja does not watch.
_configure_key() {
  cksum "$SW_ROOT/CMakePresets.json" | cut -d' ' -f1,2
  printf '%s\n' "$SW_ROOT" "${CXX:-}" "${CXXFLAGS:-}" "${LDFLAGS:-}"
  command -v cmake c++ nvcc || true
}

configure_preset() {
  local preset=$1 dir=$SW_ROOT/build/$1 key
  local stamp=$dir/configured.txt
  key=$(_configure_key)
  [[ -f $dir/build.ninja && -f $stamp && $(<"$stamp") == "$key" ]] && return 0
  if ! mkdir -p "$dir"; then
    say "error: cannot write $dir; make the checkout writable, or copy it to where it is"
    return 2
  fi
  # A cache that was made with other tools or at another path misleads cmake: it starts afresh.
  [[ -f $stamp ]] && rm -rf "$dir/CMakeCache.txt" "$dir/CMakeFiles" "$stamp"
  say "configuring build/$preset"
  (cd "$SW_ROOT" && cmake --preset "$preset") </dev/null >"$dir/configure.log" 2>&1 ||
    { _fail_with_log "$dir/configure.log" "cmake --preset $preset"; return 2; }
  printf '%s\n' "$key" >"$stamp"
}

build_preset() {
  local preset=$1 dir=$SW_ROOT/build/$1 code=0
  shift
  if ! mkdir -p "$dir"; then
    say "error: cannot write $dir; make the checkout writable, or copy it to where it is"
    return 2
  fi
  # Two runs at once would write the same objects: the second waits. The lock falls with the subshell.
  (
    exec 9>"$dir/.lock"
    if ! flock -n 9; then
      say "waiting for another build in build/$preset"
      flock 9
    fi
    configure_preset "$preset" || exit 2
    if [[ $(ninja -C "$dir" -n "$@" 2>/dev/null | tail -n 1) == *"no work to do"* ]]; then exit 0; fi
    say "building build/$preset${*:+ ($*)}; a first build takes minutes; log: $dir/build.log"
    ninja -C "$dir" -j "$(build_jobs)" "$@" </dev/null >"$dir/build.log" 2>&1 9>&- ||
      { _fail_with_log "$dir/build.log" "the build of build/$preset"; exit 2; }
  ) || code=$?
  return "$code"
}
