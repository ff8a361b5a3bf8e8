// A sequence of random numbers, driven through a SketchRig layer by layer, for the tests of decode.
#pragma once

#include <vector>

#include "reference/sketch_rig.h"
#include "reference/sketch_test_data.h"

namespace sw::testing {

// One sequence's numbers for all layers.
struct Numbers {
  int tokens = 0;
  HeadShape heads;
  std::vector<std::vector<float>> q, k, v;  // [layer][token][head][dim]

  static Numbers Random(Rng& rng, int layers, int tokens, const HeadShape& heads, double spread) {
    Numbers made{tokens, heads, {}, {}, {}};
    for (int layer = 0; layer < layers; ++layer) {
      const int64_t dim = heads.head_dim;
      made.q.push_back(RandomNumbers(rng, tokens * heads.num_q_heads * dim, spread));
      made.k.push_back(RandomNumbers(rng, tokens * heads.num_kv_heads * dim, spread));
      made.v.push_back(RandomNumbers(rng, tokens * heads.num_kv_heads * dim));
    }
    return made;
  }
  int q_width() const { return heads.num_q_heads * heads.head_dim; }
  int kv_width() const { return heads.num_kv_heads * heads.head_dim; }
};

inline SketchRigConfig RigConfig(Rng& rng, const HeadShape& heads, int layers, int sketch_dim,
                                 int capacity) {
  const Transform transform = Transform::Draw(rng, heads.head_dim, sketch_dim);
  SketchRigConfig config;
  config.heads = heads;
  config.num_layers = layers;
  config.capacity_tokens = capacity;
  config.signs = transform.signs;
  config.rows = transform.rows;
  config.keep.top_blocks = 5;
  return config;
}

inline std::vector<RigPrefill> Prefill(SketchRig& rig, const Numbers& x, int tokens) {
  std::vector<RigPrefill> layers;
  for (int layer = 0; layer < static_cast<int>(x.q.size()); ++layer) {
    layers.push_back(rig.Prefill(layer, Slice(x.q[layer], 0, tokens, x.q_width()),
                                 Slice(x.k[layer], 0, tokens, x.kv_width()),
                                 Slice(x.v[layer], 0, tokens, x.kv_width())));
  }
  return layers;
}

inline std::vector<RigDecode> Decode(SketchRig& rig, const Numbers& x, int t) {
  std::vector<RigDecode> layers;
  for (int layer = 0; layer < static_cast<int>(x.q.size()); ++layer) {
    layers.push_back(rig.Decode(layer, Slice(x.q[layer], t, t + 1, x.q_width()),
                                Slice(x.k[layer], t, t + 1, x.kv_width()),
                                Slice(x.v[layer], t, t + 1, x.kv_width())));
  }
  return layers;
}

}  // namespace sw::testing
