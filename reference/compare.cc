#include "reference/compare.h"

#include <fmt/format.h>

namespace sw {

Comparison Compare(int64_t count, const std::function<double(int64_t)>& got,
                   const std::function<double(int64_t)>& want, const Tolerance& tolerance) {
  Comparison result;
  for (int64_t i = 0; i < count; ++i) {
    const double g = got(i);
    const double w = want(i);
    const double allowed = tolerance.For(w);
    const bool passes = Passes(g, w, allowed);
    const double diff = std::abs(g - w);
    double share = INFINITY;
    if (passes) {
      share = diff > 0.0 && std::isfinite(diff) ? diff / allowed : 0.0;
    } else if (allowed > 0.0 && std::isfinite(diff)) {
      share = diff / allowed;
    }
    ++result.compared;
    if (!passes) ++result.outside;
    if (result.worst_index < 0 || share > result.worst_share) {
      result.worst_index = i;
      result.worst_got = g;
      result.worst_want = w;
      result.worst_share = share;
    }
  }
  return result;
}

std::string Comparison::Describe() const {
  if (compared == 0) return "nothing compared (sizes differ, or both are empty)";
  return fmt::format("{} of {} outside; worst [{}]: got {:.9g} want {:.9g}, {:.3g}x the allowance",
                     outside, compared, worst_index, worst_got, worst_want, worst_share);
}

}  // namespace sw
