#include "tasks/ruler/fit_units.h"

#include "core/base/check.h"

#include <algorithm>
#include <cmath>

namespace sw {
namespace {

constexpr int kFirstStep = 8;       // units to the second call: enough to average their lengths
constexpr int kInterpolations = 8;  // after that many guesses, plain doubling and halving

struct Point {
  int units;
  int tokens;
};

int StepAtSlope(int tokens, const Point& a, const Point& b) {
  const double slope = static_cast<double>(b.tokens - a.tokens) / (b.units - a.units);
  SW_CHECK(slope > 0, "{} units take {} tokens, {} take {}", a.units, a.tokens, b.units, b.tokens);
  return static_cast<int>(std::floor(tokens / slope));
}

}  // namespace

std::optional<int> FitUnits(int minimum, int budget, const std::function<int(int)>& tokens_at) {
  const auto measure = [&](int units) { return Point{units, tokens_at(units)}; };
  const Point start = measure(minimum);
  if (start.tokens > budget) return std::nullopt;

  Point fits = start;
  std::optional<Point> exceeds;
  const auto narrow = [&](const Point& point) {
    if (point.tokens <= budget) {
      fits = point;
    } else {
      exceeds = point;
    }
  };
  narrow(measure(minimum + kFirstStep));
  for (int guesses = 0; !exceeds || exceeds->units - fits.units > 1; ++guesses) {
    const int room = budget - fits.tokens;
    int step = 0;
    if (exceeds) {
      const int gap = exceeds->units - fits.units;
      step = guesses < kInterpolations ? StepAtSlope(room, fits, *exceeds) : gap / 2;
      step = std::clamp(step, 1, gap - 1);
    } else {
      step = guesses < kInterpolations ? StepAtSlope(room, start, fits) : fits.units - start.units;
      step = std::max(step, 1);
    }
    narrow(measure(fits.units + step));
  }
  return fits.units;
}

}  // namespace sw
