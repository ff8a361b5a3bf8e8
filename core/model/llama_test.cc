#include "core/model/llama.h"

#include <algorithm>
#include <vector>

#include "core/attention/policy_factory.h"
#include "core/base/rng.h"
#include "core/model/tiny_lm.h"
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/oracle/llama.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

// Logits of a tiny model are near 10; three layers of float32 sums of up to 64 terms.
constexpr Tolerance kLogits{.absolute = 5e-4};

oracle::Matrix InDouble(const WeightView& w) {
  oracle::Matrix matrix;
  std::vector<float> row(static_cast<size_t>(w.cols));
  for (int64_t i = 0; i < w.rows; ++i) {
    DequantiseRow(w.dtype, w.Row(i), w.cols, row.data());
    matrix.emplace_back(row.begin(), row.end());
  }
  return matrix;
}

oracle::Llama InDouble(const LlamaWeights& w) {
  oracle::Llama model{.num_heads = w.shape.num_q_heads,
                      .num_kv_heads = w.shape.num_kv_heads,
                      .norm_eps = w.shape.norm_eps,
                      .rope_theta = w.shape.rope_theta,
                      .embedding = InDouble(w.token_embedding),
                      .layers = {},
                      .final_norm = InDouble(w.output_norm)[0],
                      .head = InDouble(w.output)};
  for (const LlamaLayerWeights& l : w.layers) {
    model.layers.push_back({InDouble(l.attn_norm)[0], InDouble(l.q), InDouble(l.k), InDouble(l.v),
                            InDouble(l.o), InDouble(l.ffn_norm)[0], InDouble(l.gate),
                            InDouble(l.up), InDouble(l.down)});
  }
  return model;
}

std::vector<int32_t> RandomIds(int count, int vocab, uint64_t stream) {
  Rng rng(11, stream);
  std::vector<int32_t> ids;
  for (int i = 0; i < count; ++i) {
    ids.push_back(static_cast<int32_t>(rng.Below(static_cast<uint64_t>(vocab))));
  }
  return ids;
}

std::vector<double> LastRows(const oracle::Matrix& logits, int rows) {
  std::vector<double> flat;
  for (auto row = logits.end() - rows; row != logits.end(); ++row) {
    flat.insert(flat.end(), row->begin(), row->end());
  }
  return flat;
}

struct Rig {
  explicit Rig(const LlamaShape& shape = TinyShape())
      : weights(3, shape), model(weights.weights(), backend) {}

  std::unique_ptr<AttentionPolicy> Policy(const PolicyConfig& config) {
    const LlamaShape& s = model.shape();
    return MakePolicy(config, {s.num_q_heads, s.num_kv_heads, s.head_dim}, s.num_layers, backend);
  }

  ReferenceBackend backend;
  TinyWeights weights;
  Llama model;
};

TEST_CASE("llama: prefill logits are the float64 model's, for every GQA ratio and awkward length") {
  for (const auto& [q_heads, kv_heads, head_dim] :
       {std::tuple{6, 2, 8}, {4, 4, 12}, {4, 1, 16}, {8, 1, 6}}) {
    LlamaShape shape = TinyShape();
    shape.num_q_heads = q_heads;
    shape.num_kv_heads = kv_heads;
    shape.head_dim = head_dim;
    shape.ffn_dim = 37;
    Rig rig(shape);
    const auto dense = rig.Policy(DenseConfig{});
    const oracle::Llama want = InDouble(rig.weights.weights());
    for (const int length : {1, 2, 33, 70}) {
      const std::vector<int32_t> ids = RandomIds(length, shape.vocab_size, 1);
      const int rows = std::min(length, 3);
      const auto sequence = rig.model.NewSequence(*dense, length, 0);
      const std::vector<float> got = rig.model.Prefill(*sequence, ids, rows);
      const Comparison result = CompareRange(
          got, LastRows(oracle::Forward(want, std::vector<int>(ids.begin(), ids.end())), rows),
          kLogits);
      INFO("heads " << q_heads << "/" << kv_heads << ", length " << length << ": "
                    << result.Describe());
      CHECK(result.ok());
    }
  }
}

TEST_CASE("llama: decoding token by token gives the logits of one prefill") {
  Rig rig;
  const std::vector<int32_t> ids = RandomIds(90, rig.model.shape().vocab_size, 2);
  const auto dense = rig.Policy(DenseConfig{});
  const auto whole = rig.model.NewSequence(*dense, 90, 0);
  const std::vector<float> want = rig.model.Prefill(*whole, ids, 30);
  const auto sequence = rig.model.NewSequence(*dense, 90, 0);
  std::vector<float> got = rig.model.Prefill(*sequence, std::span(ids).first(61), 1);
  for (size_t t = 61; t < ids.size(); ++t) {
    Sequence* const one[] = {sequence.get()};
    const std::vector<float> step = rig.model.DecodeStep(one, std::span(ids).subspan(t, 1));
    got.insert(got.end(), step.begin(), step.end());
  }
  CHECK(sequence->len == 90);
  const Comparison result = CompareRange(got, want, kLogits);
  INFO(result.Describe());
  CHECK(result.ok());
}

TEST_CASE("llama: a batch of sequences of different lengths decodes as each alone") {
  Rig rig;
  SketchWalkConfig config;
  config.sparse.block_size = 8;
  config.sparse.top_blocks = 3;
  config.sparse.skip_layers = 1;
  config.sketch_dim = 8;
  const auto policy = rig.Policy(config);
  const int lengths[] = {1, 23, 24, 50, 9};
  std::vector<std::unique_ptr<Sequence>> together, alone;
  std::vector<Sequence*> batch;
  for (const int length : lengths) {
    const std::vector<int32_t> ids = RandomIds(length, rig.model.shape().vocab_size, 5);
    for (auto* group : {&together, &alone}) {
      group->push_back(rig.model.NewSequence(*policy, length + 12, 0));
      rig.model.Prefill(*group->back(), ids, 1);
    }
    batch.push_back(together.back().get());
  }
  const auto vocab = static_cast<size_t>(rig.model.shape().vocab_size);
  for (int step = 0; step < 12; ++step) {
    const std::vector<int32_t> ids = RandomIds(
        static_cast<int>(batch.size()), static_cast<int>(vocab), 100 + static_cast<uint64_t>(step));
    const std::vector<float> got = rig.model.DecodeStep(batch, ids);
    for (size_t i = 0; i < batch.size(); ++i) {
      Sequence* const one[] = {alone[i].get()};
      const std::vector<float> want = rig.model.DecodeStep(one, std::span(ids).subspan(i, 1));
      const Comparison result =
          CompareRange(std::span(got).subspan(i * vocab, vocab), want, kLogits);
      INFO("step " << step << ", sequence " << i << ": " << result.Describe());
      CHECK(result.ok());
    }
  }
}

TEST_CASE("llama: a sparse arm that keeps every block gives the dense logits") {
  Rig rig;
  const std::vector<int32_t> ids = RandomIds(77, rig.model.shape().vocab_size, 6);
  const auto dense = rig.Policy(DenseConfig{});
  SketchWalkConfig config;
  config.sparse.block_size = 8;
  config.sparse.density = 1.0;
  config.sparse.skip_layers = 0;
  config.sketch_dim = 8;
  const auto sparse = rig.Policy(config);
  const auto a = rig.model.NewSequence(*dense, 80, 0);
  const auto b = rig.model.NewSequence(*sparse, 80, 0);
  CHECK(CompareRange(rig.model.Prefill(*b, ids, 5), rig.model.Prefill(*a, ids, 5), kLogits).ok());
}

TEST_CASE("llama: few kept blocks change the logits, so lists are really used") {
  Rig rig;
  const std::vector<int32_t> ids = RandomIds(77, rig.model.shape().vocab_size, 6);
  const auto dense = rig.Policy(DenseConfig{});
  LocalSinkConfig config;
  config.sparse.block_size = 8;
  config.sparse.top_blocks = 2;
  config.sparse.skip_layers = 0;
  const auto sparse = rig.Policy(config);
  const auto a = rig.model.NewSequence(*dense, 80, 0);
  const auto b = rig.model.NewSequence(*sparse, 80, 0);
  CHECK_FALSE(
      CompareRange(rig.model.Prefill(*b, ids, 1), rig.model.Prefill(*a, ids, 1), kLogits).ok());
}

TEST_CASE("llama: threads change nothing, to the bit") {
  const std::vector<int32_t> ids = RandomIds(150, TinyShape().vocab_size, 7);
  const TinyWeights weights(3, TinyShape());
  std::vector<std::vector<float>> logits;
  for (const int threads : {1, 2, 3}) {
    ReferenceBackend backend({.num_threads = threads});
    Llama model(weights.weights(), backend);
    SketchWalkConfig config;
    config.sparse.block_size = 8;
    config.sparse.top_blocks = 4;
    config.sparse.skip_layers = 1;
    config.sketch_dim = 8;
    const auto policy = MakePolicy(config, {6, 2, 8}, 3, backend);
    const auto sequence = model.NewSequence(*policy, 160, 0);
    logits.push_back(model.Prefill(*sequence, ids, 4));
  }
  CHECK(logits[0] == logits[1]);
  CHECK(logits[0] == logits[2]);
}

TEST_CASE("llama: a sequence takes one prefill, and no more tokens than it has room for") {
  Rig rig;
  const std::vector<int32_t> ids = RandomIds(10, rig.model.shape().vocab_size, 8);
  const auto dense = rig.Policy(DenseConfig{});
  const auto sequence = rig.model.NewSequence(*dense, 10, 0);
  CHECK_THROWS_AS(rig.model.Prefill(*sequence, ids, 11), BugError);
  rig.model.Prefill(*sequence, ids, 1);
  CHECK_THROWS_AS(rig.model.Prefill(*sequence, ids, 1), BugError);
  Sequence* const one[] = {sequence.get()};
  CHECK_THROWS_AS(rig.model.DecodeStep(one, std::span(ids).first(1)), BugError);
  const auto small = rig.model.NewSequence(*dense, 9, 0);
  CHECK_THROWS_AS(rig.model.Prefill(*small, ids, 1), BugError);
}

}  // namespace
}  // namespace sw
