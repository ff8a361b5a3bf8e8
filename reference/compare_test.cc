#include "reference/compare.h"

#include <limits>
#include <vector>

#include "core/testing/catch.h"

namespace sw {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("compare: NaN never passes, whatever the allowance") {
  CHECK_FALSE(Passes(kNan, 0.0, kInf));
  CHECK_FALSE(Passes(0.0, kNan, kInf));
  CHECK_FALSE(Passes(kNan, kNan, kInf));
  const std::vector<double> got = {1.0, kNan};
  const std::vector<double> want = {1.0, kNan};
  const Comparison result = CompareRange(got, want, {.absolute = 1e9});
  CHECK_FALSE(result.ok());
  CHECK(result.outside == 1);
  CHECK(result.worst_index == 1);
}

TEST_CASE("compare: infinities pass only when they are the same") {
  CHECK(Passes(kInf, kInf, 0.0));
  CHECK_FALSE(Passes(-kInf, kInf, 1.0));
  CHECK_FALSE(Passes(1.0, kInf, 1.0));
  CHECK_FALSE(Passes(kInf, 1.0, 1.0));
}

TEST_CASE("compare: the allowance is met exactly at its edge") {
  CHECK(Passes(1.5, 1.0, 0.5));
  CHECK_FALSE(Passes(1.5, 1.0, 0.4999));
  CHECK(CompareRange(std::vector{101.0}, std::vector{100.0}, {.relative = 0.01}).ok());
  CHECK_FALSE(CompareRange(std::vector{102.0}, std::vector{100.0}, {.relative = 0.01}).ok());
}

TEST_CASE("compare: the worst number is named") {
  const std::vector<float> got = {1.0f, 2.25f, 3.125f};
  const std::vector<double> want = {1.0, 2.0, 3.0};
  const Comparison result = CompareRange(got, want, {.absolute = 0.2});
  CHECK(result.outside == 1);
  CHECK(result.worst_index == 1);
  CHECK(result.worst_share == Approx(1.25));
  CHECK_THAT(result.Describe(), testing::HasText("1 of 3 outside; worst [1]: got 2.25 want 2"));
}

TEST_CASE("compare: comparing nothing does not pass") {
  CHECK_FALSE(CompareRange(std::vector<double>{}, std::vector<double>{}, {.absolute = 1}).ok());
  CHECK_FALSE(CompareRange(std::vector{1.0}, std::vector{1.0, 2.0}, {.absolute = 9}).ok());
}

}  // namespace
}  // namespace sw
