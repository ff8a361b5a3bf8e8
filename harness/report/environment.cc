#include "harness/report/environment.h"

#include "harness/report/build_info.h"

#include <fmt/format.h>

#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <utility>

namespace sw {
namespace {

std::string CpuName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
    if (value != std::string::npos) return line.substr(value);
  }
  return "unknown";
}

int64_t PhysicalMemory() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page_bytes > 0 ? pages * page_bytes : 0;
}

std::string OperatingSystem() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

std::string NowUtc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace

Environment MakeEnvironment(const DeviceInfo& device, std::vector<std::string> command_line) {
  const BuildInfo& build = GetBuildInfo();
  return {.version = build.version,
          .commit = build.commit,
          .dirty = build.dirty,
          .compiler = build.compiler,
          .build_type = build.build_type,
          .os = OperatingSystem(),
          .cpu = CpuName(),
          .memory_bytes = PhysicalMemory(),
          .started_at = NowUtc(),
          .command_line = std::move(command_line),
          .device = device};
}

}  // namespace sw
