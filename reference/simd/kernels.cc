#include "reference/simd/kernels.h"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "core/tensor/dtype.h"

namespace sw::simd {

namespace baseline {
const Kernels& Get();
}
#if defined(SW_SIMD_X86)
namespace avx2 {
const Kernels& Get();
}
namespace avx512 {
const Kernels& Get();
}
#endif

namespace {

// Kernels index their tables by DType.
static_assert(static_cast<int>(DType::kF32) == 0 && static_cast<int>(DType::kF16) == 1 &&
              static_cast<int>(DType::kBF16) == 2 && static_cast<int>(DType::kQ8_0) == 3 &&
              static_cast<int>(DType::kQ4_0) == 4 && static_cast<int>(DType::kQ4_1) == 5);

constexpr size_t kMaxSets = 3;

// What this CPU and its operating system run, the best last, then null pointers.
std::array<const Kernels*, kMaxSets + 1> Supported() {
  std::array<const Kernels*, kMaxSets + 1> sets{};
  size_t count = 0;
  sets[count++] = &baseline::Get();
#if defined(SW_SIMD_X86)
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("f16c");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (has_avx2) sets[count++] = &avx2::Get();
  if (has_avx512) sets[count++] = &avx512::Get();
#endif
  return sets;
}

}  // namespace

const Kernels* const* AllKernels() {
  static const std::array<const Kernels*, kMaxSets + 1> sets = Supported();
  return sets.data();
}

const Kernels& BestKernels() {
  const Kernels* best = nullptr;
  std::string names;
  const char* wanted = std::getenv("SWHARNESS_SIMD");
  for (const Kernels* const* set = AllKernels(); *set != nullptr; ++set) {
    best = *set;
    if (wanted != nullptr && std::string_view(wanted) == best->name) return *best;
    names += names.empty() ? best->name : std::string(", ") + best->name;
  }
  if (wanted != nullptr && *wanted != '\0') {
    FailUser(
        "environment variable SWHARNESS_SIMD is '{}': this machine runs {}; unset it to use {}",
        wanted, names, best->name);
  }
  return *best;
}

}  // namespace sw::simd
