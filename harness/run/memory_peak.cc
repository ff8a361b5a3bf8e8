#include "harness/run/memory_peak.h"

#include <algorithm>
#include <fstream>
#include <string_view>

namespace sw {
namespace {

bool ResetHighWaterMark() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

// A field of /proc/self/status in bytes; 0 when it is not there.
int64_t StatusBytes(std::string_view field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(field)) continue;
    return std::stoll(line.substr(field.size())) * 1024;  // "VmHWM:     1234 kB"
  }
  return 0;
}

}  // namespace

void MemoryPeak::Raise(const MemoryPeak& other) {
  for (const auto& [part, bytes] : other.by_part) {
    by_part[part] = std::max(by_part[part], bytes);
  }
  total_bytes = std::max(total_bytes, other.total_bytes);
  resident_bytes = std::max(resident_bytes, other.resident_bytes);
  resident_method = other.resident_method;
}

MemoryWatch::MemoryWatch(Memory& memory)
    : memory_(memory), has_high_water_mark_(ResetHighWaterMark()) {
  memory_.ResetPeaks();
  Sample();
}

void MemoryWatch::Sample() {
  if (!has_high_water_mark_) sampled_bytes_ = std::max(sampled_bytes_, StatusBytes("VmRSS:"));
}

MemoryPeak MemoryWatch::Peak() {
  Sample();
  MemoryPeak peak;
  for (const auto& [part, usage] : memory_.Usage()) peak.by_part[part] = usage.peak_bytes;
  peak.total_bytes = memory_.PeakTotalBytes();
  peak.resident_bytes = has_high_water_mark_ ? StatusBytes("VmHWM:") : sampled_bytes_;
  if (peak.resident_bytes > 0) {
    peak.resident_method = has_high_water_mark_ ? "vm_hwm" : "vm_rss_sampled";
  }
  return peak;
}

}  // namespace sw
