#include "tasks/ruler/fit_units.h"

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/testing/catch.h"

#include <vector>

namespace sw {

TEST_CASE("lines of constant length: the fullest haystack, in few calls") {
  for (const int line : {1, 7, 24, 55}) {
    for (const int minimum : {1, 4}) {
      for (const int budget : {60, 61, 97, 896, 3968, 131071}) {
        int calls = 0;
        const auto tokens_at = [&](int n) {
          ++calls;
          return 50 + line * n;
        };
        const auto units = FitUnits(minimum, budget, tokens_at);
        CAPTURE(line, minimum, budget);
        if (50 + line * minimum > budget) {
          CHECK_FALSE(units.has_value());
          CHECK(calls == 1);
          continue;
        }
        REQUIRE(units.has_value());
        CHECK(*units == (budget - 50) / line);
        CHECK(calls <= 6);
      }
    }
  }
}

TEST_CASE("lines of varying length: still the fullest, still in few calls") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed, StreamOf("lines"));
    std::vector<int> sum = {60};
    while (sum.back() < 80000) sum.push_back(sum.back() + static_cast<int>(rng.Between(14, 26)));
    for (const int budget : {100, 900, 3968, 32640}) {
      int calls = 0;
      const auto units = FitUnits(1, budget, [&](int n) {
        ++calls;
        return sum.at(static_cast<size_t>(n));
      });
      REQUIRE(units.has_value());
      CHECK(sum[static_cast<size_t>(*units)] <= budget);
      CHECK(sum[static_cast<size_t>(*units) + 1] > budget);
      CHECK(calls <= 8);
    }
  }
}

TEST_CASE("a bent curve is found too") {
  // Steps of very different size mislead every interpolation.
  const auto tokens_at = [](int n) { return n < 500 ? n : 500 + (n - 500) * 97; };
  for (const int budget : {3, 499, 500, 596, 597, 5000}) {
    const auto units = FitUnits(1, budget, tokens_at);
    REQUIRE(units.has_value());
    CHECK(tokens_at(*units) <= budget);
    CHECK(tokens_at(*units + 1) > budget);
  }
}

TEST_CASE("a haystack that never grows is a bug, not an endless search") {
  CHECK_THROWS_AS(FitUnits(1, 100, [](int) { return 10; }), BugError);
}

}  // namespace sw
