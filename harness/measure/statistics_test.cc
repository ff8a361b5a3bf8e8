#include "harness/measure/statistics.h"

#include "core/base/check.h"
#include "core/testing/catch.h"

#include <cmath>

namespace sw {
namespace {

bool Near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; }

TEST_CASE("Wilson intervals are the published ones") {
  struct Row {
    int right, n;
    double low, high;
  };
  // 81 of 263, 15 of 148, 0 of 20 and 1 of 29: method 3 (the score method without continuity
  // correction) in table I of Newcombe, Statistics in Medicine 17 (1998), 857-872.
  const Row row = GENERATE(Row{81, 263, 0.2553, 0.3662}, Row{15, 148, 0.0624, 0.1605},
                           Row{0, 20, 0.0000, 0.1611}, Row{1, 29, 0.0061, 0.1718});
  const Interval interval = WilsonInterval(row.right, row.n);
  CHECK(Near(interval.value, static_cast<double>(row.right) / row.n, 1e-15));
  CHECK(Near(interval.low, row.low, 5e-5));
  CHECK(Near(interval.high, row.high, 5e-5));
}

TEST_CASE("Wilson intervals mirror and stay inside [0, 1]") {
  for (int n = 1; n <= 40; ++n) {
    for (int right = 0; right <= n; ++right) {
      const Interval a = WilsonInterval(right, n);
      const Interval b = WilsonInterval(n - right, n);
      CHECK(Near(a.low, 1 - b.high, 1e-12));
      const bool ordered = 0 <= a.low && a.low <= a.value && a.value <= a.high && a.high <= 1;
      CHECK(ordered);
    }
  }
  CHECK_THROWS_AS(WilsonInterval(3, 2), BugError);
  CHECK_THROWS_AS(WilsonInterval(0, 0), BugError);
}

TEST_CASE("The bootstrap interval is near the normal one, seeded and ordered") {
  // 200 values with mean 0.5 and standard deviation 0.25: +- 1.96 * 0.25 / sqrt(200).
  std::vector<double> values;
  for (int i = 0; i < 200; ++i) values.push_back(i % 2 == 0 ? 0.25 : 0.75);
  const Interval interval = BootstrapInterval(values, 7);
  CHECK(Near(interval.value, 0.5, 1e-12));
  CHECK(Near(interval.low, 0.5 - 0.03465, 0.004));
  CHECK(Near(interval.high, 0.5 + 0.03465, 0.004));
  const Interval again = BootstrapInterval(values, 7);
  CHECK(interval.low == again.low);
  CHECK(interval.high == again.high);
  const Interval other = BootstrapInterval(std::vector<double>{0.1, 0.2, 0.9}, 8);
  CHECK(Near(other.value, 0.4, 1e-12));
  CHECK(other.low < other.value);
  CHECK(other.high > other.value);
  CHECK(other.high <= 0.9 + 1e-12);
}

TEST_CASE("Scores of 0 and 1 get Wilson, partial credit the bootstrap") {
  const AccuracyEstimate whole = EstimateAccuracy(std::vector<double>{1, 0, 1, 1}, 1);
  CHECK(whole.method == "wilson");
  CHECK(Near(whole.share.value, 0.75, 1e-15));
  const AccuracyEstimate partial = EstimateAccuracy(std::vector<double>{1, 0.5, 0, 1}, 1);
  CHECK(partial.method == "bootstrap");
  CHECK(Near(partial.share.value, 0.625, 1e-15));
}

TEST_CASE("Medians of odd and even counts") {
  CHECK(Median({3.0}) == 3.0);
  CHECK(Median({5.0, 1.0}) == 3.0);
  CHECK(Median({9.0, 1.0, 4.0}) == 4.0);
  CHECK(Median({4.0, 1.0, 9.0, 2.0}) == 3.0);
  CHECK_THROWS_AS(Median({}), BugError);
}

TEST_CASE("The exact McNemar test against binomial tails counted by hand") {
  CHECK(McNemarP(0, 0) == 1.0);
  CHECK(Near(McNemarP(0, 5), 2.0 / 32, 1e-12));  // 2 * C(5,0) / 2^5
  CHECK(Near(McNemarP(6, 0), 2.0 / 64, 1e-12));
  CHECK(Near(McNemarP(1, 8), 2.0 * (1 + 9) / 512, 1e-12));
  CHECK(McNemarP(4, 4) == 1.0);  // twice the tail would exceed 1
  CHECK(Near(McNemarP(3, 9), McNemarP(9, 3), 1e-15));
  const double many = McNemarP(900, 1100);  // 2000 discordant: about 4.47 standard deviations
  CHECK(many > 5e-6);
  CHECK(many < 1.2e-5);
}

}  // namespace
}  // namespace sw
