// Block summaries, the Hadamard sketch and the choice of blocks against the oracle and by property.
#include <limits>

#include "core/testing/catch.h"
#include "reference/attention_ops.h"
#include "reference/compare.h"
#include "reference/host_memory.h"
#include "reference/oracle/select.h"
#include "reference/oracle/sketch.h"
#include "reference/sketch_test_data.h"

namespace sw {
namespace {

using testing::RandomNumbers;
using testing::Transform;

struct Subject {
  ThreadPool pool{3};
  HostMemory memory;
  ReferenceAttentionOps ops{pool, simd::BestKernels(), memory};
};

void CheckAgainst(const std::vector<float>& got, const oracle::Matrix& want, double allowed) {
  std::vector<double> flat;
  for (const oracle::Row& row : want) flat.insert(flat.end(), row.begin(), row.end());
  const Comparison result = CompareRange(got, flat, {.absolute = allowed});
  INFO(result.Describe());
  CHECK(result.ok());
}

// H as the operation applies it, [r][d].
oracle::Matrix AppliedMatrix(const ReferenceAttentionOps& ops, const Transform& transform) {
  const int d = transform.head_dim, r = transform.sketch_dim();
  std::vector<float> identity(static_cast<size_t>(d * d), 0.0f);
  for (int i = 0; i < d; ++i) identity[i * d + i] = 1.0f;
  std::vector<float> columns(static_cast<size_t>(d * r));
  ops.Sketch(transform.View(), identity.data(), d, columns.data());
  oracle::Matrix h = oracle::Zeros(r, d);
  for (int i = 0; i < d; ++i) {
    for (int p = 0; p < r; ++p) h[p][i] = columns[i * r + p];
  }
  return h;
}

TEST_CASE("sketch: entries are +-1/sqrt(r) and rows orthogonal, as no Gaussian matrix is") {
  Subject subject;
  Rng rng(1, 0);
  for (const int d : {1, 8, 64, 128}) {
    for (const int r : {1, 3, 8, 64, 128}) {
      if (r > d) continue;
      INFO("d " << d << " r " << r);
      const oracle::Matrix h = AppliedMatrix(subject.ops, Transform::Draw(rng, d, r));
      for (int p = 0; p < r; ++p) {
        for (int i = 0; i < d; ++i) CHECK(Passes(std::abs(h[p][i]), 1 / std::sqrt(r), 1e-6));
        for (int other = 0; other <= p; ++other) {
          double dot = 0;
          for (int i = 0; i < d; ++i) dot += h[p][i] * h[other][i];
          CHECK(Passes(dot, other == p ? static_cast<double>(d) / r : 0.0, 1e-4));
        }
      }
    }
  }
}

TEST_CASE("sketch: equals the matrix (-1)^popcount(i & j) by definition, padded dims too") {
  Subject subject;
  Rng rng(2, 0);
  for (const auto& [d, r] : {std::pair{8, 8},
                             {12, 16},
                             {12, 5},
                             {64, 64},
                             {64, 7},
                             {128, 64},
                             {80, 128},
                             {1, 1},
                             {3, 4}}) {
    INFO("d " << d << " r " << r);
    const Transform transform = Transform::Draw(rng, d, r);
    for (const int rows : {1, 2, 37}) {
      const std::vector<float> x = RandomNumbers(rng, rows * d);
      std::vector<float> out(static_cast<size_t>(rows * r));
      subject.ops.Sketch(transform.View(), x.data(), rows, out.data());
      const oracle::Matrix h = oracle::SketchMatrix(transform.ForOracle(), d);
      CheckAgainst(out, oracle::Sketch(h, testing::ToMatrix(x, d)), 2e-5);
    }
  }
}

TEST_CASE("sketch: with r = d' inner products are kept") {
  Subject subject;
  Rng rng(3, 0);
  for (const int d : {8, 12, 64, 128}) {
    const int padded = d == 12 ? 16 : d;
    const Transform transform = Transform::Draw(rng, d, padded);
    const std::vector<float> x = RandomNumbers(rng, 2 * d);
    std::vector<float> s(static_cast<size_t>(2 * padded));
    subject.ops.Sketch(transform.View(), x.data(), 2, s.data());
    double plain = 0, sketched = 0;
    for (int i = 0; i < d; ++i) plain += static_cast<double>(x[i]) * x[d + i];
    for (int i = 0; i < padded; ++i) sketched += static_cast<double>(s[i]) * s[padded + i];
    CHECK(Passes(sketched, plain, 1e-4));
  }
}

TEST_CASE("summaries: means over heads and over the tokens that a block really has") {
  Subject subject;
  Rng rng(4, 0);
  const int block_size = 8;
  for (const auto& [heads, kv_heads] : {std::pair{1, 1}, {3, 3}, {9, 3}, {8, 2}, {8, 1}}) {
    for (const int d : {8, 12, 64, 128}) {
      for (const int n : {1, 7, 8, 9, 16, 61}) {
        INFO("heads " << heads << "/" << kv_heads << " d " << d << " n " << n);
        const int blocks = CeilDiv(n, block_size), stride = heads * d + 5, capacity = n + 3;
        const std::vector<float> q = RandomNumbers(rng, n * heads * d);
        const std::vector<float> k = RandomNumbers(rng, n * kv_heads * d);
        // Between and beyond the rows stands NaN: it must not be read.
        std::vector<float> q_rows(static_cast<size_t>(n * stride), std::nanf(""));
        std::vector<float> k_heads(static_cast<size_t>(kv_heads * capacity * d), std::nanf(""));
        for (int t = 0; t < n; ++t) {
          std::copy_n(q.data() + t * heads * d, heads * d, q_rows.data() + t * stride);
          for (int h = 0; h < kv_heads; ++h) {
            std::copy_n(k.data() + (t * kv_heads + h) * d, d,
                        k_heads.data() + (h * capacity + t) * d);
          }
        }
        std::vector<float> mean(static_cast<size_t>(blocks * d));
        subject.ops.SummariseQueries({.data = q_rows.data(),
                                      .num_tokens = n,
                                      .num_heads = heads,
                                      .head_dim = d,
                                      .stride = stride},
                                     block_size, mean.data());
        CheckAgainst(mean, oracle::BlockMean(oracle::HeadMean(testing::ToTokens(q, heads, d)), 8),
                     1e-6);
        subject.ops.SummariseKeys({.k = k_heads.data(),
                                   .num_kv_heads = kv_heads,
                                   .head_dim = d,
                                   .capacity = capacity,
                                   .len = n},
                                  block_size, mean.data());
        CheckAgainst(
            mean, oracle::BlockMean(oracle::HeadMean(testing::ToTokens(k, kv_heads, d)), 8), 1e-6);
      }
    }
  }
}

TEST_CASE("summaries: a ragged block of ones has the mean 1") {
  Subject subject;
  std::vector<float> ones(21, 1.0f);
  std::vector<float> mean(3);
  subject.ops.SummariseQueries(
      {.data = ones.data(), .num_tokens = 21, .num_heads = 1, .head_dim = 1, .stride = 1}, 8,
      mean.data());
  CHECK(mean == std::vector<float>{1.0f, 1.0f, 1.0f});
  subject.ops.SummariseKeys(
      {.k = ones.data(), .num_kv_heads = 1, .head_dim = 1, .capacity = 21, .len = 21}, 8,
      mean.data());
  CHECK(mean == std::vector<float>{1.0f, 1.0f, 1.0f});
}

struct PickCase {
  KeepRule keep;
  int num_blocks = 1;
  int begin = 0;  // first query block
  int groups = 1;
};

// Rows [begin, num_blocks) of every group.
HostSelection Pick(Subject& subject, const PickCase& c, const std::vector<float>& scores,
                   int64_t stride) {
  const int rows = c.num_blocks - c.begin;
  std::vector<int32_t> counts;
  for (int i = c.begin; i < c.num_blocks; ++i) counts.push_back(c.keep.Count(i, c.num_blocks));
  const int capacity = *std::max_element(counts.begin(), counts.end()) + 1;
  auto lists = BlockSelectionBuffer::Make(subject.memory, c.groups, rows, c.begin, capacity);
  subject.ops.PickBlocks({.num_groups = c.groups,
                          .num_q_blocks = rows,
                          .q_block_begin = c.begin,
                          .scores = scores.data(),
                          .score_stride = stride,
                          .forced = c.keep.forced,
                          .num_blocks = c.num_blocks,
                          .keep_counts = counts.data(),
                          .counts = lists.counts.data(),
                          .block_ids = lists.block_ids.data(),
                          .row_capacity = capacity});
  return HostSelection::From(lists);
}

oracle::Config OracleConfig(const KeepRule& keep) {
  oracle::Config config;
  config.top_blocks = keep.top_blocks;
  config.density = keep.density;
  config.sink_blocks = keep.forced.sink_blocks;
  config.local_blocks = keep.forced.local_blocks;
  config.dense_tail_blocks = keep.forced.dense_tail_blocks;
  return config;
}

TEST_CASE("pick: the oracle's lists, ties among few levels included") {
  Subject subject;
  Rng rng(5, 0);
  for (int round = 0; round < 300; ++round) {
    PickCase c;
    c.num_blocks = static_cast<int>(rng.Between(1, 40));
    c.begin = static_cast<int>(rng.Below(static_cast<uint64_t>(c.num_blocks)));
    c.groups = static_cast<int>(rng.Between(1, 3));
    c.keep.forced = {.sink_blocks = static_cast<int>(rng.Between(0, 3)),
                     .local_blocks = static_cast<int>(rng.Between(1, 3)),
                     .dense_tail_blocks = static_cast<int>(rng.Between(0, 2))};
    c.keep.top_blocks = static_cast<int>(rng.Between(1, 12));
    if (rng.Below(2) == 0) c.keep.density = rng.Uniform() + 1e-3;
    c.keep.density = std::min(c.keep.density, 1.0);
    const int stride = c.num_blocks + static_cast<int>(rng.Below(3));
    const int rows = c.num_blocks - c.begin;
    std::vector<float> scores;
    for (int n = 0; n < c.groups * rows * stride; ++n) {
      scores.push_back(static_cast<float>(rng.Below(4)) / 4.0f);  // four levels: many ties
    }
    const HostSelection got = Pick(subject, c, scores, stride);
    got.CheckInvariants();
    for (int row = 0; row < c.groups * rows; ++row) {
      const int i = c.begin + row % rows;
      INFO("round " << round << " row " << row << " block " << i);
      const oracle::Row line(scores.begin() + int64_t{row} * stride,
                             scores.begin() + int64_t{row} * stride + i + 1);
      CHECK(got.rows[row] == oracle::SelectBlocks(OracleConfig(c.keep), line, i, c.num_blocks));
    }
  }
}

TEST_CASE("pick: of equal scores the more recent block, block 0 stands in a list once") {
  Subject subject;
  const PickCase c{
      .keep = {.forced = {}, .top_blocks = 4}, .num_blocks = 9, .begin = 8, .groups = 1};
  const std::vector<float> equal(9, 0.25f);
  CHECK(Pick(subject, c, equal, 9).rows[0] == std::vector<int32_t>{0, 6, 7, 8});
  // Block 0 is forced and has the best score: it still takes one place.
  std::vector<float> sink_first(9, 0.25f);
  sink_first[0] = 1.0f;
  CHECK(Pick(subject, c, sink_first, 9).rows[0] == std::vector<int32_t>{0, 6, 7, 8});
  // What stands beyond the diagonal or for a forced block decides nothing.
  PickCase early = c;
  early.num_blocks = 12;
  std::vector<float> future(4 * 12, 0.0f);
  for (int row = 0; row < 4; ++row) {
    for (int j = 9 + row; j < 12; ++j) future[row * 12 + j] = 5.0f;
    future[row * 12 + 3] = 0.5f;
  }
  CHECK(Pick(subject, early, future, 12).rows[0] == std::vector<int32_t>{0, 3, 7, 8});
}

TEST_CASE("pick: fewer causal blocks than tau keeps them all, NaN goes last") {
  Subject subject;
  const PickCase few{
      .keep = {.forced = {}, .top_blocks = 16}, .num_blocks = 3, .begin = 0, .groups = 1};
  const std::vector<float> scores(9, 0.0f);
  const HostSelection all = Pick(subject, few, scores, 3);
  CHECK(all.rows == std::vector<std::vector<int32_t>>{{0}, {0, 1}, {0, 1, 2}});
  const PickCase c{
      .keep = {.forced = {}, .top_blocks = 4}, .num_blocks = 7, .begin = 6, .groups = 1};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(Pick(subject, c, {0, nan, 0.1f, nan, 0.2f, nan, 0}, 7).rows[0] ==
        std::vector<int32_t>{0, 2, 4, 6});
}

TEST_CASE("pick: a row that cannot hold its forced blocks is a bug") {
  Subject subject;
  const int32_t keep = 1;
  const std::vector<float> scores(6, 0.0f);
  int32_t count = 0, ids[4] = {};
  const PickBlocksParams params{.num_groups = 1,
                                .num_q_blocks = 1,
                                .q_block_begin = 5,
                                .scores = scores.data(),
                                .score_stride = 6,
                                .forced = {},
                                .num_blocks = 6,
                                .keep_counts = &keep,
                                .counts = &count,
                                .block_ids = ids,
                                .row_capacity = 4};
  CHECK_THAT(testing::MessageOf<BugError>([&] { subject.ops.PickBlocks(params); }),
             testing::HasText("forced"));
}

}  // namespace
}  // namespace sw
