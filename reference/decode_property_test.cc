// What must hold between prefill and decode, and from one decode step to the next.
#include "core/testing/catch.h"
#include "reference/attention_ops.h"
#include "reference/compare.h"
#include "reference/host_memory.h"
#include "reference/oracle/types.h"
#include "reference/sequence_test_rig.h"

namespace sw {
namespace {

using testing::Numbers;
using testing::RigConfig;
using testing::SketchRig;
using testing::SketchRigConfig;

struct Subject {
  ThreadPool pool{2};
  HostMemory memory;
  ReferenceAttentionOps ops{pool, simd::BestKernels(), memory};
};

// Errors of A are a few 2^-24 of its size; the exponent makes them s times larger in R, and every
// layer adds its own.
constexpr double kWalkError = 5e-4;

void CheckRow(const std::vector<float>& got, const oracle::Row& want) {
  REQUIRE(got.size() == want.size());
  CHECK(*std::max_element(got.begin(), got.end()) == 1.0f);
  for (size_t j = 0; j < got.size(); ++j) {
    INFO("column " << j << ": " << got[j] << " for " << want[j]);
    REQUIRE(Passes(got[j], want[j], 1e-6 + kWalkError * want[j]));
  }
}

// The caches of two sequences with the same tokens, over their closed blocks.
void CheckSameCache(const SketchCacheView& got, const SketchCacheView& want, int blocks, int closed,
                    bool queries_too) {
  const int64_t r = got.sketch_dim, stride = got.capacity_blocks;
  for (int l = 0; l < blocks; ++l) {
    INFO("block " << l);
    CHECK(got.key_count[l] == want.key_count[l]);
    for (int p = 0; p < r; ++p) {
      CHECK(Passes(got.key_sketch[l * r + p], want.key_sketch[l * r + p], 3e-6));
      if (queries_too && l < closed) {
        CHECK(Passes(got.query_sketch[l * r + p], want.query_sketch[l * r + p], 3e-6));
      }
    }
    if (!queries_too || l >= closed) continue;
    CHECK(Passes(got.row_max[l], want.row_max[l], 2e-5));
    CHECK(Passes(got.row_lse[l], want.row_lse[l], 2e-5));
    for (int j = 0; j < closed; ++j) {
      CHECK(Passes(got.e[l * stride + j], want.e[l * stride + j], 3e-4));
    }
  }
}

TEST_CASE("decode: token by token and prefill agree on means, counts and, with mean rows, on E") {
  Subject subject;
  Rng rng(5, 0);
  const HeadShape heads{.num_q_heads = 4, .num_kv_heads = 2, .head_dim = 8};
  const Numbers x = Numbers::Random(rng, 1, 41, heads, 1.0);
  for (const FinishedRow finished : {FinishedRow::kLast, FinishedRow::kMean}) {
    for (const ScoreColumns columns : {ScoreColumns::kAll, ScoreColumns::kCausal}) {
      for (const int prompt : {0, 5, 8, 13}) {
        SketchRigConfig config = RigConfig(rng, heads, 1, 8, 48);
        config.finished_row = finished;
        config.columns = columns;
        SketchRig stepped(config, subject.ops, subject.memory);
        if (prompt > 0) Prefill(stepped, x, prompt);
        for (int t = prompt; t < x.tokens; ++t) {
          Decode(stepped, x, t);
          const int n = t + 1;
          SketchRig whole(config, subject.ops, subject.memory);
          Prefill(whole, x, n);
          // A full block closes when the token after it arrives.
          const int closed = t / 8;
          INFO("prompt " << prompt << " tokens " << n);
          CheckSameCache(stepped.cache(0), whole.cache(0), CeilDiv(n, 8), n % 8 == 0 ? 0 : closed,
                         finished == FinishedRow::kMean);
        }
      }
    }
  }
}

TEST_CASE("decode: full lists give dense attention, in the prefill and at every step") {
  Subject subject;
  Rng rng(11, 0);
  const HeadShape heads{.num_q_heads = 6, .num_kv_heads = 2, .head_dim = 12};
  const Numbers x = Numbers::Random(rng, 2, 60, heads, 1.0);
  SketchRigConfig dense = RigConfig(rng, heads, 2, 16, 60);
  SketchRigConfig by_count = dense, by_density = dense;
  dense.skip_layers = 2;
  by_count.keep.top_blocks = 8;
  by_density.keep.density = 1.0;
  for (const SketchRigConfig& full : {by_count, by_density}) {
    SketchRig want(dense, subject.ops, subject.memory), got(full, subject.ops, subject.memory);
    const auto Check = [](const auto& a, const auto& b) {
      for (size_t layer = 0; layer < a.size(); ++layer) {
        const Comparison out = CompareRange(a[layer].out, b[layer].out, {.absolute = 2e-6});
        INFO(out.Describe());
        CHECK(out.ok());
      }
    };
    Check(Prefill(got, x, 43), Prefill(want, x, 43));
    for (int t = 43; t < 60; ++t) Check(Decode(got, x, t), Decode(want, x, t));
  }
}

TEST_CASE("decode: the key count of a ragged prompt is its own, not the block size") {
  Subject subject;
  Rng rng(6, 0);
  const HeadShape heads{.num_q_heads = 1, .num_kv_heads = 1, .head_dim = 4};
  const Numbers x = Numbers::Random(rng, 1, 24, heads, 1.0);
  SketchRig rig(RigConfig(rng, heads, 1, 4, 24), subject.ops, subject.memory);
  Prefill(rig, x, 11);
  CHECK(rig.cache(0).key_count[0] == 8);
  CHECK(rig.cache(0).key_count[1] == 3);
  CHECK(*rig.cache(0).query_count == 3);
  Decode(rig, x, 11);
  CHECK(rig.cache(0).key_count[1] == 4);
  CHECK(*rig.cache(0).query_count == 4);
  for (int t = 12; t < 17; ++t) Decode(rig, x, t);
  CHECK(rig.cache(0).key_count[1] == 8);
  CHECK(rig.cache(0).key_count[2] == 1);
  CHECK(*rig.cache(0).query_count == 1);
}

TEST_CASE(
    "decode: right after a prefill, mean rows select what prefill of one token more selects") {
  Rng rng(7, 0);
  const HeadShape heads{.num_q_heads = 4, .num_kv_heads = 2, .head_dim = 8};
  for (const int n : {60, 63, 64, 65, 71}) {
    Subject subject;
    INFO("n " << n);
    Numbers x = Numbers::Random(rng, 3, n + 1, heads, 1.0);
    // One query for all tokens of the current block, so that its mean is the new token's query.
    for (std::vector<float>& q : x.q) {
      for (int t = n / 8 * 8; t < n; ++t) {
        std::copy_n(q.begin() + n * x.q_width(), x.q_width(), q.begin() + t * x.q_width());
      }
    }
    SketchRigConfig config = RigConfig(rng, heads, 3, 8, n + 1);
    config.finished_row = FinishedRow::kMean;
    SketchRig decoded(config, subject.ops, subject.memory);
    SketchRig whole(config, subject.ops, subject.memory);
    Prefill(decoded, x, n);
    const std::vector<testing::RigDecode> got = Decode(decoded, x, n);
    const std::vector<testing::RigPrefill> want = Prefill(whole, x, n + 1);
    for (int layer = 0; layer < 3; ++layer) {
      const auto c = static_cast<size_t>(n / 8);
      const auto b = c + 1;
      const oracle::Row row(want[layer].walk.begin() + static_cast<int64_t>(c * b),
                            want[layer].walk.begin() + static_cast<int64_t>(c * b + b));
      CheckRow(got[layer].walk, row);
      CHECK(got[layer].blocks == want[layer].blocks[c]);
    }
  }
}

TEST_CASE("decode: with the causal normaliser finished rows never change") {
  Subject subject;
  Rng rng(8, 0);
  const HeadShape heads{.num_q_heads = 2, .num_kv_heads = 1, .head_dim = 8};
  const Numbers x = Numbers::Random(rng, 1, 80, heads, 1.5);
  SketchRigConfig config = RigConfig(rng, heads, 1, 8, 80);
  config.columns = ScoreColumns::kCausal;
  SketchRig rig(config, subject.ops, subject.memory);
  Prefill(rig, x, 33);
  const SketchCacheView cache = rig.cache(0);
  const auto Finished = [&] {  // four blocks are closed by the prefill
    std::vector<float> state(cache.row_max, cache.row_max + 4);
    state.insert(state.end(), cache.row_lse, cache.row_lse + 4);
    for (int l = 0; l < 4; ++l) state.insert(state.end(), cache.e + l * 10, cache.e + l * 10 + 4);
    return state;
  };
  const std::vector<float> before = Finished();
  for (int t = 33; t < 80; ++t) Decode(rig, x, t);
  CHECK(Finished() == before);
  for (int l = 0; l < 4; ++l) {
    for (int j = l + 1; j < 9; ++j) CHECK(cache.e[l * 10 + j] == 0.0f);
  }
}

TEST_CASE("decode: blocks with equal keys tie to the bit, closed by the prompt or by decode") {
  Subject subject;
  Rng rng(9, 0);
  const HeadShape heads{.num_q_heads = 2, .num_kv_heads = 1, .head_dim = 8};
  Numbers x = Numbers::Random(rng, 3, 90, heads, 1.0);
  // Block 2 of the prompt, block 7 of decode: one key for all of their tokens.
  for (std::vector<float>& k : x.k) {
    for (const int block : {2, 7}) {
      for (int t = 8 * block; t < 8 * block + 8; ++t) {
        for (int i = 0; i < 8; ++i) k[t * 8 + i] = (i % 2 == 0) ? 1.5f : -0.5f;
      }
    }
  }
  SketchRigConfig config = RigConfig(rng, heads, 3, 8, 90);
  SketchRig rig(config, subject.ops, subject.memory);
  Prefill(rig, x, 45);
  for (int t = 45; t < 90; ++t) {
    for (const testing::RigDecode& layer : Decode(rig, x, t)) {
      if (t >= 64) CHECK(layer.walk[2] == layer.walk[7]);
    }
  }
}

TEST_CASE("decode: a walk row that holds nothing restarts from its own scores and is counted") {
  Subject subject;
  Rng rng(10, 0);
  const HeadShape heads{.num_q_heads = 1, .num_kv_heads = 1, .head_dim = 1};
  Numbers x = Numbers::Random(rng, 1, 33, heads, 1.0);
  for (int t = 0; t < 33; ++t) x.k[0][t] = static_cast<float>(t / 8) * 0.1f;
  x.q[0][32] = 1.0f;
  SketchRig rig(RigConfig(rng, heads, 1, 1, 33), subject.ops, subject.memory);
  Prefill(rig, x, 32);
  Decode(rig, x, 32);
  const SketchDecodeParams params{.sketch = {},
                                  .heads = heads,
                                  .block_size = 8,
                                  .score_divisor = 1.0f,
                                  .sparsity_exponent = 2.0f};
  std::vector<float> row(5, 0.0f);
  int64_t restarts = 3;
  subject.ops.WalkRow(params, 33, rig.cache(0), false, row.data(), &restarts);
  CHECK(restarts == 4);
  for (int j = 0; j < 5; ++j) CHECK(Passes(row[j], std::exp(2.0 * 0.1 * (j - 4)), 1e-6));
}

}  // namespace
}  // namespace sw
