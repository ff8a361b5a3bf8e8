#include "core/base/rng.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/base/check.h"
#include "core/testing/catch.h"

namespace sw {

TEST_CASE("the stream is pinned: records name their data by seed") {
  CHECK(RandomBits(0, 0, 0) == 0x238275BC38FCBE91ull);
  CHECK(RandomBits(42, 0, 0) == 0x6310BF04D8207F46ull);
  CHECK(RandomBits(0, 42, 0) == 0xB46EC5E8F3ECE91Full);
  CHECK(RandomBits(0, 0, 42) == 0x483374F06466471Full);
  CHECK(RandomBits(~0ull, ~0ull, ~0ull) == 0x595B17F487C0E71Bull);
  // Published test values of 64-bit FNV-1a.
  CHECK(StreamOf("") == 0xCBF29CE484222325ull);
  CHECK(StreamOf("a") == 0xAF63DC4C8601EC8Cull);
  CHECK(StreamOf("foobar") == 0x85944171F73967E8ull);
}

TEST_CASE("a cursor reads the counter-based values in order") {
  Rng rng(7, 9);
  for (uint64_t i = 0; i < 5; ++i) CHECK(rng.NextBits() == RandomBits(7, 9, i));
  Rng copy = rng;
  CHECK(copy.NextBits() == rng.NextBits());
}

TEST_CASE("neighbouring seeds, streams and indices differ in about half of the bits") {
  const uint64_t base = RandomBits(100, 200, 300);
  for (const uint64_t other : {RandomBits(101, 200, 300), RandomBits(100, 201, 300),
                               RandomBits(100, 200, 301), RandomBits(200, 100, 300)}) {
    const int flipped = __builtin_popcountll(base ^ other);
    CHECK(flipped > 12);
    CHECK(flipped < 52);
  }
}

TEST_CASE("Below is uniform, at a bound where the plain remainder would not be") {
  // With bound = 3 * 2^62 the values of [0, 2^62) would come twice as often by remainder alone:
  // one half of the draws instead of one third.
  constexpr uint64_t kBound = 3ull << 62;
  Rng rng(11, StreamOf("below"));
  int low = 0;
  constexpr int kDraws = 30000;
  for (int i = 0; i < kDraws; ++i) {
    const uint64_t value = rng.Below(kBound);
    REQUIRE(value < kBound);
    if (value < (1ull << 62)) ++low;
  }
  // One third, within five standard deviations (82 draws each).
  CHECK(std::abs(low - kDraws / 3) < 410);
}

TEST_CASE("Below reaches every value of a small bound equally often") {
  Rng rng(12, StreamOf("below"));
  std::vector<int> count(7, 0);
  for (int i = 0; i < 70000; ++i) ++count[rng.Below(7)];
  for (const int n : count) CHECK(std::abs(n - 10000) < 470);
  for (int i = 0; i < 10; ++i) CHECK(rng.Below(1) == 0);
  CHECK_THROWS_AS(rng.Below(0), BugError);
}

TEST_CASE("Between includes both ends") {
  Rng rng(13, 0);
  std::set<int64_t> seen;
  for (int i = 0; i < 300; ++i) seen.insert(rng.Between(-2, 2));
  CHECK(seen == std::set<int64_t>{-2, -1, 0, 1, 2});
  CHECK(rng.Between(5, 5) == 5);
  CHECK_THROWS_AS(rng.Between(6, 5), BugError);
}

TEST_CASE("Uniform and Normal have the moments of their names") {
  Rng rng(14, 0);
  constexpr int kDraws = 40000;
  double sum = 0, normal_sum = 0, normal_squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.Uniform();
    REQUIRE((u >= 0.0 && u < 1.0));
    sum += u;
    const double z = rng.Normal();
    REQUIRE(std::isfinite(z));
    normal_sum += z;
    normal_squares += z * z;
  }
  CHECK(std::fabs(sum / kDraws - 0.5) < 5 * 0.2887 / 200);
  CHECK(std::fabs(normal_sum / kDraws) < 5.0 / 200);
  CHECK(std::fabs(normal_squares / kDraws - 1.0) < 5 * 1.4142 / 200);
}

TEST_CASE("Sample draws distinct numbers below its bound") {
  Rng rng(15, 0);
  for (const uint64_t count : {0, 1, 9, 10}) {
    const std::vector<uint64_t> chosen = rng.Sample(10, count);
    CHECK(chosen.size() == count);
    CHECK(std::set<uint64_t>(chosen.begin(), chosen.end()).size() == count);
    for (const uint64_t value : chosen) CHECK(value < 10);
  }
  CHECK(rng.Sample(std::numeric_limits<uint64_t>::max(), 3).size() == 3);
  CHECK_THROWS_AS(rng.Sample(3, 4), BugError);
}

TEST_CASE("Sample gives every number the same chance at every place") {
  Rng rng(16, 0);
  int count[5][3] = {};
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const std::vector<uint64_t> chosen = rng.Sample(5, 3);
    for (int place = 0; place < 3; ++place) ++count[chosen[place]][place];
  }
  for (const auto& row : count) {
    for (const int n : row) CHECK(std::abs(n - kDraws / 5) < 290);  // five deviations of 57
  }
}

TEST_CASE("Shuffle permutes, and reaches all orders") {
  Rng rng(17, 0);
  std::vector<int> items(101);
  std::iota(items.begin(), items.end(), 0);
  std::vector<int> shuffled = items;
  rng.Shuffle(shuffled);
  CHECK(shuffled != items);
  CHECK(std::is_permutation(shuffled.begin(), shuffled.end(), items.begin()));

  std::set<std::vector<int>> orders;
  for (int i = 0; i < 400; ++i) {
    std::vector<int> three = {1, 2, 3};
    rng.Shuffle(three);
    orders.insert(three);
  }
  CHECK(orders.size() == 6);
  std::vector<int> none;
  rng.Shuffle(none);
  CHECK(none.empty());
}

}  // namespace sw
