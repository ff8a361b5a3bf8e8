// The one comparer of the project, phrased as a pass condition, so that NaN can never pass.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>

namespace sw {

// |got - want| <= allowed, or the same infinity on both sides. False for any NaN.
inline bool Passes(double got, double want, double allowed) {
  return std::abs(got - want) <= allowed || (std::isinf(want) && got == want);
}

// Allowed error of one number: absolute + relative * |want|.
struct Tolerance {
  double absolute = 0.0;
  double relative = 0.0;

  double For(double want) const {
    return absolute + relative * (std::isfinite(want) ? std::abs(want) : 0.0);
  }
};

struct Comparison {
  int64_t compared = 0;
  int64_t outside = 0;       // numbers that do not pass
  int64_t worst_index = -1;  // of the number with the largest share of its allowance; -1 when empty
  double worst_got = 0.0;
  double worst_want = 0.0;
  double worst_share = 0.0;  // |got - want| / allowed there; infinity for NaN

  bool ok() const { return compared > 0 && outside == 0; }
  // "3 of 4096 outside; worst [17]: got -0.41 want -0.40, 2.5x the allowance"
  std::string Describe() const;
};

// Compares `count` numbers given by two functions of the index.
Comparison Compare(int64_t count, const std::function<double(int64_t)>& got,
                   const std::function<double(int64_t)>& want, const Tolerance& tolerance);

template <class Got, class Want>
Comparison CompareRange(const Got& got, const Want& want, const Tolerance& tolerance) {
  // Different lengths compare nothing, and comparing nothing does not pass.
  const bool same = std::size(got) == std::size(want);
  return Compare(
      same ? static_cast<int64_t>(std::size(got)) : 0,
      [&](int64_t i) { return static_cast<double>(got[static_cast<size_t>(i)]); },
      [&](int64_t i) { return static_cast<double>(want[static_cast<size_t>(i)]); }, tolerance);
}

}  // namespace sw
