#include "harness/machine.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace sw {
namespace {

// /proc/meminfo counts KiB.
int64_t MemAvailable() {
  constexpr const char* kKey = "MemAvailable:";
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kKey)) continue;
    int64_t kib = 0;
    std::istringstream(line.substr(std::string(kKey).size())) >> kib;
    return kib * 1024;
  }
  return 0;
}

// False where the container has no limit (the file says "max") or there is no such file.
bool ReadCgroup(const char* file, int64_t& bytes) {
  std::ifstream in(std::string("/sys/fs/cgroup/") + file);
  return static_cast<bool>(in >> bytes);
}

}  // namespace

int64_t AvailableMemoryBytes() {
  const int64_t machine = MemAvailable();
  int64_t limit = 0;
  int64_t used = 0;
  if (!ReadCgroup("memory.max", limit) || !ReadCgroup("memory.current", used)) return machine;
  return std::min(machine, std::max(int64_t{0}, limit - used));
}

}  // namespace sw
