#include "core/model/tiny_lm.h"

#include "core/testing/catch.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

namespace sw {
namespace {

std::vector<WeightView> AllViews(const LlamaWeights& w) {
  std::vector<WeightView> views = {w.token_embedding, w.output_norm, w.output};
  for (const LlamaLayerWeights& l : w.layers) {
    views.insert(views.end(), {l.attn_norm, l.q, l.k, l.v, l.o, l.ffn_norm, l.gate, l.up, l.down});
  }
  return views;
}

bool SameNumbers(const WeightView& a, const WeightView& b) {
  if (a.rows != b.rows || a.cols != b.cols) return false;
  return std::memcmp(a.data, b.data, static_cast<size_t>(a.rows * a.cols) * sizeof(float)) == 0;
}

TEST_CASE("tiny weights have the shapes that LlamaLayerWeights asks for") {
  LlamaShape s = TinyShape();
  s.num_layers = 2;
  s.ffn_dim = 37;
  const TinyWeights tiny(5, s);
  const LlamaWeights& w = tiny.weights();
  REQUIRE(w.layers.size() == 2);
  const auto shape_is = [](const WeightView& v, int64_t rows, int64_t cols) {
    return v.dtype == DType::kF32 && v.rows == rows && v.cols == cols;
  };
  CHECK(shape_is(w.token_embedding, 64, 48));
  CHECK(shape_is(w.output, 64, 48));
  CHECK(shape_is(w.output_norm, 1, 48));
  CHECK(shape_is(w.layers[1].q, 48, 48));
  CHECK(shape_is(w.layers[1].k, 16, 48));
  CHECK(shape_is(w.layers[1].v, 16, 48));
  CHECK(shape_is(w.layers[1].o, 48, 48));
  CHECK(shape_is(w.layers[1].gate, 37, 48));
  CHECK(shape_is(w.layers[1].up, 37, 48));
  CHECK(shape_is(w.layers[1].down, 48, 37));
}

TEST_CASE("tiny weights are finite, seeded, and no two matrices are the same") {
  const TinyWeights a(5, TinyShape());
  const TinyWeights again(5, TinyShape());
  const TinyWeights other(6, TinyShape());
  const std::vector<WeightView> views = AllViews(a.weights());
  const std::vector<WeightView> same = AllViews(again.weights());
  const std::vector<WeightView> different = AllViews(other.weights());
  std::set<float> first_numbers;
  for (size_t i = 0; i < views.size(); ++i) {
    CHECK(SameNumbers(views[i], same[i]));
    CHECK_FALSE(SameNumbers(views[i], different[i]));
    const auto* numbers = static_cast<const float*>(views[i].data);
    CHECK(std::all_of(numbers, numbers + views[i].rows * views[i].cols,
                      [](float x) { return std::isfinite(x); }));
    first_numbers.insert(numbers[0]);
  }
  CHECK(first_numbers.size() == views.size());
}

}  // namespace
}  // namespace sw
