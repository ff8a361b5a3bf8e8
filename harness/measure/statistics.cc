#include "harness/measure/statistics.h"

#include "core/base/check.h"
#include "core/base/rng.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sw {
namespace {

constexpr double kZ95 = 1.959963984540054;  // 97.5 % quantile of the standard normal

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Quantile q of ascending values, linear between neighbours.
double Quantile(const std::vector<double>& ascending, double q) {
  const double place = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], place - static_cast<double>(below));
}

}  // namespace

Interval WilsonInterval(int right, int n) {
  SW_CHECK(n >= 1 && 0 <= right && right <= n, "{} of {}", right, n);
  const double trials = n;
  const double share = right / trials;
  const double z2 = kZ95 * kZ95;
  const double centre = (share + z2 / (2 * trials)) / (1 + z2 / trials);
  const double half = kZ95 / (1 + z2 / trials) *
                      std::sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials));
  // The ends are exactly 0 and 1 there; rounding must not put them a hair outside.
  return {.value = share,
          .low = right == 0 ? 0.0 : centre - half,
          .high = right == n ? 1.0 : centre + half};
}

Interval BootstrapInterval(std::span<const double> values, uint64_t seed, int resamples) {
  SW_CHECK(!values.empty() && resamples >= 1);
  Rng rng(seed, StreamOf("bootstrap"));
  std::vector<double> means(static_cast<size_t>(resamples));
  for (double& mean : means) {
    double sum = 0.0;
    for (size_t draw = 0; draw < values.size(); ++draw) sum += values[rng.Below(values.size())];
    mean = sum / static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  return {.value = Mean(values), .low = Quantile(means, 0.025), .high = Quantile(means, 0.975)};
}

AccuracyEstimate EstimateAccuracy(std::span<const double> scores, uint64_t seed) {
  const auto count_of = [&](double score) {
    return static_cast<int>(std::count(scores.begin(), scores.end(), score));
  };
  const int n = static_cast<int>(scores.size());
  if (count_of(0.0) + count_of(1.0) == n) return {WilsonInterval(count_of(1.0), n), "wilson"};
  return {BootstrapInterval(scores, seed), "bootstrap"};
}

double Median(std::vector<double> values) {
  SW_CHECK(!values.empty());
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double McNemarP(int only_a, int only_b) {
  SW_CHECK(only_a >= 0 && only_b >= 0);
  const int n = only_a + only_b;
  const int fewer = std::min(only_a, only_b);
  // Twice the tail of Binomial(n, 1/2); in logarithms, so that no n overflows.
  double tail = 0.0;
  for (int k = 0; k <= fewer; ++k) {
    tail += std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) -
                     n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

}  // namespace sw
