#include "reference/host_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/base/check.h"

namespace sw {
namespace {

constexpr size_t kAlignment = 64;

void Add(PartUsage& usage, int64_t bytes) {
  usage.current_bytes += bytes;
  usage.peak_bytes = std::max(usage.peak_bytes, usage.current_bytes);
}

}  // namespace

void* HostMemory::Allocate(const std::string& part, size_t bytes) {
  const std::lock_guard lock(mutex_);
  const bool countable = bytes <= std::numeric_limits<int64_t>::max() / 2;
  if (!countable ||
      (limit_bytes_ > 0 && static_cast<int64_t>(bytes) > limit_bytes_ - total_.current_bytes)) {
    throw OutOfMemory(fmt::format(
        "out of memory: {} needs {} bytes beside {} bytes in use, the limit is {} bytes; use a "
        "shorter context or raise the memory limit",
        part, bytes, total_.current_bytes, limit_bytes_));
  }
  const size_t rounded = (std::max<size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  void* data = std::aligned_alloc(kAlignment, rounded);
  if (data == nullptr) {
    throw OutOfMemory(fmt::format(
        "out of memory: {} needs {} bytes beside {} bytes in use and the machine has no more; use "
        "a shorter context or a smaller model",
        part, bytes, total_.current_bytes));
  }
  Add(parts_[part], static_cast<int64_t>(bytes));
  Add(total_, static_cast<int64_t>(bytes));
  return data;
}

void HostMemory::Free(const std::string& part, void* data, size_t bytes) noexcept {
  if (data == nullptr) return;
  const std::lock_guard lock(mutex_);
  std::free(data);
  const auto found = parts_.find(part);
  if (found != parts_.end()) found->second.current_bytes -= static_cast<int64_t>(bytes);
  total_.current_bytes -= static_cast<int64_t>(bytes);
}

void HostMemory::CountBorrowed(const std::string& part, size_t bytes) {
  const std::lock_guard lock(mutex_);
  Add(parts_[part], static_cast<int64_t>(bytes));
  Add(total_, static_cast<int64_t>(bytes));
}

void HostMemory::CopyFromHost(void* to, const void* host, size_t bytes) {
  if (bytes > 0) std::memcpy(to, host, bytes);
}

void HostMemory::CopyToHost(void* host, const void* from, size_t bytes) {
  if (bytes > 0) std::memcpy(host, from, bytes);
}

void HostMemory::Zero(void* data, size_t bytes) {
  if (bytes > 0) std::memset(data, 0, bytes);
}

std::map<std::string, PartUsage> HostMemory::Usage() const {
  const std::lock_guard lock(mutex_);
  return parts_;
}

int64_t HostMemory::PeakTotalBytes() const {
  const std::lock_guard lock(mutex_);
  return total_.peak_bytes;
}

void HostMemory::ResetPeaks() {
  const std::lock_guard lock(mutex_);
  for (auto& [part, usage] : parts_) usage.peak_bytes = usage.current_bytes;
  total_.peak_bytes = total_.current_bytes;
}

}  // namespace sw
