// SketchRig: SketchWalk for one sequence straight on AttentionOps, for tests. It calls the
// operations in the order of the algorithm page and shows every step between; policies are not
// involved.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "core/ops/attention_ops.h"
#include "core/ops/block_layout.h"
#include "core/tensor/buffer.h"

namespace sw::testing {

struct SketchRigConfig {
  HeadShape heads;
  int num_layers = 1;
  int capacity_tokens = 0;
  int block_size = 8;
  std::vector<float> signs;   // D [d']
  std::vector<int32_t> rows;  // P [r]
  bool sqrt_d = false;
  float sparsity_exponent = 8;
  ScoreColumns columns = ScoreColumns::kAll;
  FinishedRow finished_row = FinishedRow::kLast;
  KeepRule keep;
  int skip_layers = 0;
  bool walk_from_layer0 = false;

  int sketch_dim() const { return static_cast<int>(rows.size()); }
  int capacity_blocks() const { return CeilDiv(capacity_tokens, block_size); }
};

struct RigPrefill {
  std::vector<float> scores;  // A [b, b]
  std::vector<float> walk;    // R [b, b]; empty where nothing walks
  std::vector<std::vector<int32_t>> blocks;
  std::vector<float> out;  // [token][head][dim]
};

struct RigDecode {
  std::vector<float> walk;  // [c + 1]; empty where nothing walks
  std::vector<int32_t> blocks;
  std::vector<float> out;  // [head][dim]
};

class SketchRig {
 public:
  SketchRig(const SketchRigConfig& config, const AttentionOps& ops, Memory& memory)
      : config_(config), ops_(ops), memory_(memory), restarts_(Make<int64_t>(1)) {
    restarts_.FillZero();
    decode_walk_ = Make<float>(config.capacity_blocks());
    for (int n = 0; n < config.num_layers; ++n) layers_.push_back(NewLayer());
  }

  // q, k, v: [token][head][dim]. Layers in ascending order.
  RigPrefill Prefill(int layer, const std::vector<float>& q, const std::vector<float>& k,
                     const std::vector<float>& v) {
    Layer& state = layers_[layer];
    Append(state, k, v);
    const QueryView queries = Queries(q, 0);
    const int b = CeilDiv(state.len, config_.block_size);
    const int r = config_.sketch_dim();
    auto mean = Make<float>(b * config_.heads.head_dim);
    auto q_sketch = Make<float>(b * r), k_sketch = Make<float>(b * r);
    ops_.SummariseQueries(queries, config_.block_size, mean.data());
    ops_.Sketch(Params().sketch, mean.data(), b, q_sketch.data());
    ops_.SummariseKeys(View(state), config_.block_size, mean.data());
    ops_.Sketch(Params().sketch, mean.data(), b, k_sketch.data());
    auto scores = Make<float>(b * b), e = Make<float>(b * (b + 3)), log_factor = Make<float>(b);
    const SketchDecodeParams params = Params();
    ops_.ScoreBlocks({.num_blocks = b,
                      .sketch_dim = r,
                      .q_sketch = q_sketch.data(),
                      .k_sketch = k_sketch.data(),
                      .score_divisor = params.score_divisor,
                      .sparsity_exponent = params.sparsity_exponent,
                      .columns = params.columns,
                      .scores = scores.data(),
                      .e = e.data(),
                      .e_stride = b + 3,
                      .log_factor = log_factor.data()});
    RigPrefill result{.scores = scores.ToHost(), .walk = {}, .blocks = {}, .out = {}};
    if (Walks(layer)) {
      const bool first = layer == 0 || !Walks(layer - 1);
      if (first) walk_ = Make<float>(b * b);
      ops_.WalkStep({.num_blocks = b,
                     .e = e.data(),
                     .e_stride = b + 3,
                     .log_factor = log_factor.data(),
                     .scores = scores.data(),
                     .sparsity_exponent = params.sparsity_exponent,
                     .first = first,
                     .walk = walk_.data(),
                     .restarts = restarts_.data()});
      result.walk = walk_.ToHost();
    }
    ops_.SeedSketchCache(params, state.len, q_sketch.data(), k_sketch.data(), Cache(state));
    result.out.resize(q.size());
    if (layer >= config_.skip_layers) {
      const BlockSelectionBuffer lists = Pick(walk_.data(), b, 0, b, b, config_.keep);
      result.blocks = HostSelection::From(lists).rows;
      ops_.AttendBlocks(queries, View(state), lists.View(), config_.block_size, Out(result.out));
    } else {
      ops_.AttendDense(queries, View(state), Out(result.out));
    }
    return result;
  }

  // One token: q, k, v [head][dim].
  RigDecode Decode(int layer, const std::vector<float>& q, const std::vector<float>& k,
                   const std::vector<float>& v) {
    Layer& state = layers_[layer];
    if (state.len == 0) ops_.SeedSketchCache(Params(), 0, nullptr, nullptr, Cache(state));
    Append(state, k, v);
    const QueryView query = Queries(q, state.len - 1);
    ops_.AppendSketch(Params(), query, View(state), Cache(state));
    RigDecode result;
    result.out.resize(q.size());
    const int c = (state.len - 1) / config_.block_size;
    if (Walks(layer)) {
      ops_.WalkRow(Params(), state.len, Cache(state), layer == 0 || !Walks(layer - 1),
                   decode_walk_.data(), restarts_.data());
      result.walk = decode_walk_.ToHost(static_cast<size_t>(c) + 1);
    }
    if (layer >= config_.skip_layers) {
      KeepRule keep = config_.keep;
      keep.forced.dense_tail_blocks = 0;
      const BlockSelectionBuffer lists =
          Pick(decode_walk_.data(), 1, c, config_.capacity_blocks(), c + 1, keep);
      result.blocks = HostSelection::From(lists).rows.front();
      ops_.AttendDecode(query, View(state), lists.View(), config_.block_size, Out(result.out));
    } else {
      ops_.AttendDense(query, View(state), Out(result.out));
    }
    return result;
  }

  int64_t restarts() const { return restarts_.ToHost()[0]; }
  SketchCacheView cache(int layer) { return Cache(layers_[layer]); }

 private:
  struct Layer {
    Buffer<float> k, v, key_sketch, query_sketch, query_sum, e, row_max, row_lse;
    Buffer<int32_t> key_count, query_count;
    int len = 0;
  };

  template <class T>
  Buffer<T> Make(int64_t size) const {
    return Buffer<T>(memory_, "test", static_cast<size_t>(size));
  }

  Layer NewLayer() const {
    const int64_t blocks = config_.capacity_blocks(), r = config_.sketch_dim();
    const int64_t kv =
        int64_t{config_.heads.num_kv_heads} * config_.capacity_tokens * config_.heads.head_dim;
    Layer made;
    made.k = Make<float>(kv);
    made.v = Make<float>(kv);
    made.key_sketch = Make<float>(blocks * r);
    made.query_sketch = Make<float>(blocks * r);
    made.query_sum = Make<float>(r);
    made.e = Make<float>(blocks * blocks);
    made.row_max = Make<float>(blocks);
    made.row_lse = Make<float>(blocks);
    made.key_count = Make<int32_t>(blocks);
    made.query_count = Make<int32_t>(1);
    // Nothing may be read before it was written: garbage would show.
    for (Buffer<float>* buffer : {&made.e, &made.row_max, &made.row_lse, &made.key_sketch}) {
      buffer->CopyFrom(std::vector<float>(buffer->size(), std::nanf("")));
    }
    return made;
  }

  bool Walks(int layer) const { return config_.walk_from_layer0 || layer >= config_.skip_layers; }

  SketchDecodeParams Params() const {
    const HeadShape& heads = config_.heads;
    return {.sketch = {.head_dim = heads.head_dim,
                       .padded_dim = static_cast<int>(config_.signs.size()),
                       .sketch_dim = config_.sketch_dim(),
                       .signs = config_.signs.data(),
                       .rows = config_.rows.data()},
            .heads = heads,
            .block_size = config_.block_size,
            .score_divisor = std::sqrt(
                static_cast<float>(config_.sqrt_d ? heads.head_dim : config_.sketch_dim())),
            .sparsity_exponent = config_.sparsity_exponent,
            .columns = config_.columns,
            .finished_row = config_.finished_row};
  }

  SketchCacheView Cache(Layer& l) const {
    return {.capacity_blocks = config_.capacity_blocks(),
            .sketch_dim = config_.sketch_dim(),
            .key_sketch = l.key_sketch.data(),
            .key_count = l.key_count.data(),
            .query_sketch = l.query_sketch.data(),
            .query_sum = l.query_sum.data(),
            .query_count = l.query_count.data(),
            .e = l.e.data(),
            .row_max = l.row_max.data(),
            .row_lse = l.row_lse.data()};
  }

  KvView View(Layer& layer) const {
    return {.k = layer.k.data(),
            .v = layer.v.data(),
            .num_kv_heads = config_.heads.num_kv_heads,
            .head_dim = config_.heads.head_dim,
            .capacity = config_.capacity_tokens,
            .len = layer.len};
  }

  QueryView Queries(const std::vector<float>& q, int first_pos) const {
    const int width = config_.heads.num_q_heads * config_.heads.head_dim;
    return {.data = q.data(),
            .num_tokens = static_cast<int>(q.size()) / width,
            .num_heads = config_.heads.num_q_heads,
            .head_dim = config_.heads.head_dim,
            .first_pos = first_pos,
            .stride = width};
  }

  TensorView Out(std::vector<float>& out) const {
    const int64_t width = int64_t{config_.heads.num_q_heads} * config_.heads.head_dim;
    return {DType::kF32, out.data(), static_cast<int64_t>(out.size()) / width, width, width};
  }

  void Append(Layer& layer, const std::vector<float>& k, const std::vector<float>& v) const {
    const int d = config_.heads.head_dim, heads = config_.heads.num_kv_heads;
    const int tokens = static_cast<int>(k.size()) / (heads * d);
    for (int t = 0; t < tokens; ++t) {
      for (int head = 0; head < heads; ++head) {
        const int64_t from = (int64_t{t} * heads + head) * d;
        const int64_t to = (int64_t{head} * config_.capacity_tokens + layer.len + t) * d;
        std::copy_n(k.data() + from, d, layer.k.data() + to);
        std::copy_n(v.data() + from, d, layer.v.data() + to);
      }
    }
    layer.len += tokens;
  }

  BlockSelectionBuffer Pick(const float* scores, int rows, int begin, int64_t stride, int blocks,
                            const KeepRule& keep) const {
    std::vector<int32_t> counts;
    for (int i = begin; i < begin + rows; ++i) counts.push_back(keep.Count(i, blocks));
    const int capacity = *std::max_element(counts.begin(), counts.end());
    BlockSelectionBuffer lists = BlockSelectionBuffer::Make(memory_, 1, rows, begin, capacity);
    ops_.PickBlocks({.num_groups = 1,
                     .num_q_blocks = rows,
                     .q_block_begin = begin,
                     .scores = scores,
                     .score_stride = stride,
                     .forced = keep.forced,
                     .num_blocks = blocks,
                     .keep_counts = counts.data(),
                     .counts = lists.counts.data(),
                     .block_ids = lists.block_ids.data(),
                     .row_capacity = capacity});
    return lists;
  }

  SketchRigConfig config_;
  const AttentionOps& ops_;
  Memory& memory_;
  Buffer<int64_t> restarts_;
  Buffer<float> walk_, decode_walk_;
  std::vector<Layer> layers_;
};

}  // namespace sw::testing
