#include "core/base/rng.h"

#include <cmath>
#include <unordered_map>

#include "core/base/check.h"

namespace sw {
namespace {

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t RandomBits(uint64_t seed, uint64_t stream, uint64_t index) {
  return Mix(index ^ Mix(stream ^ Mix(seed)));
}

uint64_t StreamOf(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (const char c : name) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ull;
  }
  return hash;
}

uint64_t Rng::Below(uint64_t bound) {
  SW_CHECK(bound >= 1);
  // Values under 2^64 mod bound would make the low residues more likely: draw again.
  const uint64_t reject_below = (0 - bound) % bound;
  uint64_t bits = NextBits();
  while (bits < reject_below) bits = NextBits();
  return bits % bound;
}

int64_t Rng::Between(int64_t low, int64_t high) {
  SW_CHECK(low <= high);
  return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low) + 1));
}

double Rng::Uniform() { return static_cast<double>(NextBits() >> 11) * 0x1.0p-53; }

double Rng::Normal() {
  constexpr double kTwoPi = 6.283185307179586;
  const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
  return radius * std::cos(kTwoPi * Uniform());
}

std::vector<uint64_t> Rng::Sample(uint64_t bound, uint64_t count) {
  SW_CHECK(count <= bound);
  // Fisher-Yates over a virtual array: only the places that a swap has touched are stored.
  std::unordered_map<uint64_t, uint64_t> moved;
  const auto at = [&](uint64_t i) {
    const auto it = moved.find(i);
    return it == moved.end() ? i : it->second;
  };
  std::vector<uint64_t> chosen;
  chosen.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t j = i + Below(bound - i);
    chosen.push_back(at(j));
    moved[j] = at(i);
  }
  return chosen;
}

}  // namespace sw
