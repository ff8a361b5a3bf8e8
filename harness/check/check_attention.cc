// Attention, block mass and block scores of a backend against the oracle.
//
// Tolerance: outputs are means of values of size up to 5 with float32 weights; scores of size up to
// 30 err by about d u, so weights by 30 d u relatively; 2e-5 holds that for d <= 128.
#include <cmath>
#include <numeric>

#include "core/attention/select/sketch_transform.h"
#include "core/base/rng.h"
#include "harness/check/check_inputs.h"
#include "harness/check/checks_internal.h"
#include "reference/oracle/attend.h"
#include "reference/oracle/sketch.h"
#include "reference/oracle/walk.h"

namespace sw {
namespace {

constexpr Tolerance kOutputs{.absolute = 2e-5};

struct Qkv {
  explicit Qkv(const CheckCase& c)
      : q(RandomTokens(c.seed, 1, c.tokens, c.heads.num_q_heads, c.heads.head_dim)),
        k(RandomTokens(c.seed, 2, c.tokens, c.heads.num_kv_heads, c.heads.head_dim)),
        v(RandomTokens(c.seed, 3, c.tokens, c.heads.num_kv_heads, c.heads.head_dim)) {}
  oracle::Tokens q, k, v;
};

TensorView View(Buffer<float>& out, const CheckCase& c, int tokens) {
  const int64_t width = static_cast<int64_t>(c.heads.num_q_heads) * c.heads.head_dim;
  out.FillZero();
  return {DType::kF32, out.data(), tokens, width, width};
}

Buffer<float> MakeOut(const CheckCase& c, int tokens, Backend& backend) {
  return {
      backend.memory(), "check",
      static_cast<size_t>(tokens) * static_cast<size_t>(c.heads.num_q_heads * c.heads.head_dim)};
}

// A random causal list for every block: itself, and each earlier block with probability 0.4.
oracle::BlockLists RandomLists(const CheckCase& c, uint64_t stream) {
  Rng rng(c.seed, stream);
  oracle::BlockLists lists;
  for (int i = 0; i < CeilDiv(c.tokens, c.policy.sparse.block_size); ++i) {
    oracle::BlockList list;
    for (int j = 0; j < i; ++j) {
      if (rng.Uniform() < 0.4) list.push_back(j);
    }
    list.push_back(i);
    lists.push_back(list);
  }
  return lists;
}

BlockSelectionBuffer Upload(const std::vector<oracle::BlockLists>& groups, int q_block_begin,
                            Backend& backend) {
  const int rows = oracle::Size(groups.front());
  const int capacity = q_block_begin + rows;
  BlockSelectionBuffer buffer = BlockSelectionBuffer::Make(backend.memory(), oracle::Size(groups),
                                                           rows, q_block_begin, capacity);
  std::vector<int32_t> counts, ids;
  for (const oracle::BlockLists& lists : groups) {
    for (const oracle::BlockList& list : lists) {
      counts.push_back(oracle::Size(list));
      ids.insert(ids.end(), list.begin(), list.end());
      ids.resize(counts.size() * static_cast<size_t>(capacity), -1);
    }
  }
  buffer.counts.CopyFrom(counts);
  buffer.block_ids.CopyFrom(ids);
  return buffer;
}

// Lists for 1, num_kv_heads and num_q_heads groups.
std::vector<int> GroupCounts(const CheckCase& c) {
  return {1, c.heads.num_kv_heads, c.heads.num_q_heads};
}

// The oracle takes one list for all heads: heads of different groups are run apart.
oracle::Tokens AttendGroups(const Qkv& x, const std::vector<oracle::BlockLists>& groups,
                            int block_size) {
  oracle::Tokens out;
  const int heads = oracle::Size(x.q.front());
  for (int g = 0; g < oracle::Size(groups); ++g) {
    const oracle::Tokens part =
        oracle::AttendBlocks(x.q, x.k, x.v, groups[static_cast<size_t>(g)], block_size);
    if (out.empty()) out = part;
    for (size_t t = 0; t < out.size(); ++t) {
      for (int h = 0; h < heads; ++h) {
        if (h * oracle::Size(groups) / heads == g) {
          out[t][static_cast<size_t>(h)] = part[t][static_cast<size_t>(h)];
        }
      }
    }
  }
  return out;
}

}  // namespace

CheckResult CheckAttendDense(Backend& backend) {
  CheckResult result;
  for (const CheckCase& c : AttentionCases()) {
    ++result.cases;
    const Qkv x(c);
    LayerOnBackend layer(x.q, x.k, x.v, backend);
    Buffer<float> out = MakeOut(c, c.tokens, backend);
    backend.attention().AttendDense(layer.Queries(0, c.tokens), layer.Keys(c.tokens),
                                    View(out, c, c.tokens));
    const std::vector<double> want = Flatten(oracle::AttendDense(x.q, x.k, x.v, 0));
    Book(c.Describe(), "out", CompareRange(out.ToHost(), want, kOutputs), result);
  }
  return result;
}

CheckResult CheckAttendBlocks(Backend& backend) {
  CheckResult result;
  for (const CheckCase& c : AttentionCases()) {
    for (const int num_groups : GroupCounts(c)) {
      ++result.cases;
      const Qkv x(c);
      std::vector<oracle::BlockLists> groups;
      for (int g = 0; g < num_groups; ++g) {
        groups.push_back(RandomLists(c, 100 + static_cast<uint64_t>(g)));
      }
      LayerOnBackend layer(x.q, x.k, x.v, backend);
      const BlockSelectionBuffer lists = Upload(groups, 0, backend);
      Buffer<float> out = MakeOut(c, c.tokens, backend);
      backend.attention().AttendBlocks(layer.Queries(0, c.tokens), layer.Keys(c.tokens),
                                       lists.View(), c.policy.sparse.block_size,
                                       View(out, c, c.tokens));
      const std::vector<double> want = Flatten(AttendGroups(x, groups, c.policy.sparse.block_size));
      Book(c.Describe(), "out", CompareRange(out.ToHost(), want, kOutputs), result);
    }
  }
  return result;
}

CheckResult CheckAttendDecode(Backend& backend) {
  CheckResult result;
  for (const CheckCase& c : AttentionCases()) {
    for (const int num_groups : GroupCounts(c)) {
      ++result.cases;
      const Qkv x(c);
      const int last = CeilDiv(c.tokens, c.policy.sparse.block_size) - 1;
      std::vector<oracle::BlockLists> all, rows;
      for (int g = 0; g < num_groups; ++g) {
        all.push_back(RandomLists(c, 200 + static_cast<uint64_t>(g)));
        rows.push_back({all.back().back()});
      }
      LayerOnBackend layer(x.q, x.k, x.v, backend);
      const BlockSelectionBuffer lists = Upload(rows, last, backend);
      Buffer<float> out = MakeOut(c, 1, backend);
      backend.attention().AttendDecode(layer.Queries(c.tokens - 1, 1), layer.Keys(c.tokens),
                                       lists.View(), c.policy.sparse.block_size, View(out, c, 1));
      const oracle::Tokens want = AttendGroups(x, all, c.policy.sparse.block_size);
      Book(c.Describe(), "out", CompareRange(out.ToHost(), Flatten(want.back()), kOutputs), result);
    }
  }
  return result;
}

CheckResult CheckBlockMass(Backend& backend) {
  CheckResult result;
  for (const CheckCase& c : AttentionCases()) {
    for (const int num_groups : GroupCounts(c)) {
      for (const MassJoin join : {MassJoin::kSum, MassJoin::kMax}) {
        ++result.cases;
        const Qkv x(c);
        const int block_size = c.policy.sparse.block_size;
        const int blocks = CeilDiv(c.tokens, block_size);
        LayerOnBackend layer(x.q, x.k, x.v, backend);
        Buffer<float> mass(backend.memory(), "check",
                           static_cast<size_t>(num_groups) * static_cast<size_t>(blocks * blocks));
        backend.attention().BlockMass(layer.Queries(0, c.tokens), layer.Keys(c.tokens), block_size,
                                      num_groups, join, mass.data(), blocks);
        std::vector<double> want;
        for (const oracle::Matrix& group :
             oracle::BlockMass(x.q, x.k, block_size, num_groups,
                               join == MassJoin::kSum ? oracle::Join::kSum : oracle::Join::kMax)) {
          const std::vector<double> flat = Flatten(group);
          want.insert(want.end(), flat.begin(), flat.end());
        }
        // Up to block_size x heads probabilities are summed.
        Book(c.Describe(), join == MassJoin::kSum ? "sum" : "max",
             CompareRange(mass.ToHost(), want, {.absolute = 2e-5, .relative = 4e-5}), result);
      }
    }
  }
  return result;
}

CheckResult CheckBlockScores(Backend& backend) {
  CheckResult result;
  for (const CheckCase& c : AttentionCases()) {
    ++result.cases;
    const Qkv x(c);
    const int d = c.heads.head_dim;
    const int r = c.policy.sketch_dim;
    const int block_size = c.policy.sparse.block_size;
    const int blocks = CeilDiv(c.tokens, block_size);
    const SketchTransform transform = DrawSketchTransform(d, r, c.seed);
    const DeviceSketch sketch(transform, backend.memory());
    LayerOnBackend layer(x.q, x.k, x.v, backend);
    const auto make = [&](int rows, int cols) {
      return Buffer<float>(backend.memory(), "check",
                           static_cast<size_t>(rows) * static_cast<size_t>(cols));
    };
    Buffer<float> mean = make(blocks, d), q_sketch = make(blocks, r), k_sketch = make(blocks, r);
    Buffer<float> scores = make(blocks, blocks), e = make(blocks, blocks), factor = make(blocks, 1);
    const AttentionOps& ops = backend.attention();
    ops.SummariseQueries(layer.Queries(0, c.tokens), block_size, mean.data());
    ops.Sketch(sketch.View(), mean.data(), blocks, q_sketch.data());
    ops.SummariseKeys(layer.Keys(c.tokens), block_size, mean.data());
    ops.Sketch(sketch.View(), mean.data(), blocks, k_sketch.data());
    ops.ScoreBlocks({.num_blocks = blocks,
                     .sketch_dim = r,
                     .q_sketch = q_sketch.data(),
                     .k_sketch = k_sketch.data(),
                     .score_divisor = std::sqrt(static_cast<float>(r)),
                     .sparsity_exponent = 8.0f,
                     .columns = ScoreColumns::kAll,
                     .scores = scores.data(),
                     .e = e.data(),
                     .e_stride = blocks,
                     .log_factor = factor.data()});
    const oracle::Transform wanted{{transform.signs.begin(), transform.signs.end()},
                                   {transform.rows.begin(), transform.rows.end()}};
    const oracle::Matrix h = oracle::SketchMatrix(wanted, d);
    const auto rows_of = [&](const oracle::Tokens& tokens) {
      return oracle::Sketch(h, oracle::BlockMean(oracle::HeadMean(tokens), block_size));
    };
    const oracle::Matrix a = oracle::BlockScores(rows_of(x.q), rows_of(x.k), std::sqrt(r));
    Book(c.Describe(), "scores",
         CompareRange(scores.ToHost(), Flatten(a), {.absolute = 1e-5, .relative = 1e-6}), result);
    // W = E exp(log factor) is A's softmax to the power 8: eight times A's error, relatively.
    const std::vector<float> got_e = e.ToHost();
    const std::vector<float> got_factor = factor.ToHost();
    const std::vector<double> want_w = Flatten(oracle::Weights(a, 8.0, false));
    std::vector<double> got_w;
    for (size_t i = 0; i < got_e.size(); ++i) {
      got_w.push_back(got_e[i] * std::exp(got_factor[i / static_cast<size_t>(blocks)]));
    }
    Book(c.Describe(), "weights",
         CompareRange(got_w, want_w, {.absolute = 1e-12, .relative = 2e-4}), result);
  }
  return result;
}

}  // namespace sw
