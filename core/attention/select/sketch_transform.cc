#include "core/attention/select/sketch_transform.h"

#include <algorithm>
#include <bit>
#include <set>

#include "core/base/check.h"
#include "core/base/rng.h"

namespace sw {
namespace {

int PaddedDim(int head_dim) {
  return static_cast<int>(std::bit_ceil(static_cast<unsigned>(head_dim)));
}

}  // namespace

SketchTransform DrawSketchTransform(int head_dim, int sketch_dim, uint64_t seed) {
  SW_CHECK(head_dim >= 1);
  const int padded = PaddedDim(head_dim);
  SW_CHECK(1 <= sketch_dim && sketch_dim <= padded, "sketch_dim {} of {}", sketch_dim, padded);
  SketchTransform transform{.head_dim = head_dim, .signs = {}, .rows = {}};
  Rng signs(seed, StreamOf("sketch.signs"));
  for (int i = 0; i < padded; ++i) {
    // The top bit: as well mixed as any, and the natural sign.
    transform.signs.push_back((signs.NextBits() >> 63) != 0 ? -1.0f : 1.0f);
  }
  Rng rows(seed, StreamOf("sketch.rows"));
  for (const uint64_t row :
       rows.Sample(static_cast<uint64_t>(padded), static_cast<uint64_t>(sketch_dim))) {
    transform.rows.push_back(static_cast<int32_t>(row));
  }
  std::sort(transform.rows.begin(), transform.rows.end());
  return transform;
}

DeviceSketch::DeviceSketch(const SketchTransform& transform, Memory& memory)
    : head_dim_(transform.head_dim),
      signs_(memory, "selection", transform.signs.size()),
      rows_(memory, "selection", transform.rows.size()) {
  const auto padded = static_cast<size_t>(PaddedDim(transform.head_dim));
  SW_CHECK(transform.signs.size() == padded, "{} signs for {} numbers", transform.signs.size(),
           padded);
  for (const float sign : transform.signs) SW_CHECK(sign == 1.0f || sign == -1.0f);
  const std::set<int32_t> distinct(transform.rows.begin(), transform.rows.end());
  SW_CHECK(!distinct.empty() && distinct.size() == transform.rows.size(), "repeated rows");
  SW_CHECK(*distinct.begin() >= 0 && *distinct.rbegin() < static_cast<int32_t>(padded));
  signs_.CopyFrom(transform.signs);
  rows_.CopyFrom(transform.rows);
}

SketchView DeviceSketch::View() const {
  return {.head_dim = head_dim_,
          .padded_dim = static_cast<int>(signs_.size()),
          .sketch_dim = static_cast<int>(rows_.size()),
          .signs = signs_.data(),
          .rows = rows_.data()};
}

}  // namespace sw
