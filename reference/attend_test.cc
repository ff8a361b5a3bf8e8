// Attention of the CPU reference against the oracle, for every instruction set of this machine.
#include <cstdint>
#include <vector>

#include "core/testing/catch.h"
#include "reference/attend_test_rig.h"

namespace sw {
namespace {

using testing::AttendCase;
using testing::AttendRig;
using testing::Flat;
using testing::Output;
using testing::RandomLists;

// Heads (query, key-value, dim) and tokens: GQA 1, 3, 4, 8; dims that fill no vector; one token,
// around a vector, around a block, around a tile of 128 keys, ragged.
const std::vector<AttendCase> kCases = {
    {{1, 1, 8}, 1},    {{3, 1, 12}, 7},   {{2, 2, 64}, 15},  {{4, 1, 64}, 16}, {{8, 1, 12}, 17},
    {{3, 3, 8}, 63},   {{6, 2, 64}, 64},  {{4, 4, 128}, 65}, {{8, 2, 8}, 127}, {{9, 3, 64}, 128},
    {{3, 1, 20}, 129}, {{8, 1, 64}, 200}, {{2, 1, 128}, 257}};

struct Subject {
  ThreadPool pool{2};
  HostMemory memory;
  ReferenceAttentionOps ops;
  explicit Subject(const simd::Kernels& kernels) : ops(pool, kernels, memory) {}
};

template <class Body>
void ForEachSet(Body&& body) {
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    CAPTURE((*set)->name);
    Subject subject(**set);
    body(subject);
    for (const auto& [part, usage] : subject.memory.Usage()) CHECK(usage.current_bytes == 0);
  }
}

#define CAPTURE_CASE(c) \
  CAPTURE(c.heads.num_q_heads, c.heads.num_kv_heads, c.heads.head_dim, c.tokens)

void CheckAgainst(const std::vector<double>& want, const Output& out, const Tolerance& allowed) {
  const Comparison result = CompareRange(out.Values(), want, allowed);
  INFO(result.Describe());
  CHECK(result.ok());
  CHECK(out.SentinelsIntact());
}

TEST_CASE("attend: dense attention is the oracle's") {
  for (const AttendCase& c : kCases) {
    CAPTURE_CASE(c);
    const AttendRig rig(c, 1);
    const auto want = Flat(oracle::AttendDense(rig.oracle_q, rig.oracle_k, rig.oracle_v, 0));
    ForEachSet([&](Subject& subject) {
      Output out(c.tokens, c.heads.num_q_heads * c.heads.head_dim);
      subject.ops.AttendDense(rig.Query(), rig.Kv(), out.View());
      CheckAgainst(want, out, rig.Allowed());
    });
  }
}

TEST_CASE("attend: dense attention of later tokens sees everything before them") {
  for (const AttendCase& c : kCases) {
    CAPTURE_CASE(c);
    const AttendRig rig(c, 2);
    const oracle::Tokens whole = oracle::AttendDense(rig.oracle_q, rig.oracle_k, rig.oracle_v, 0);
    ForEachSet([&](Subject& subject) {
      for (const int first : {c.tokens / 3, c.tokens - 1}) {
        CAPTURE(first);
        Output out(c.tokens - first, c.heads.num_q_heads * c.heads.head_dim);
        subject.ops.AttendDense(rig.Query(first, c.tokens), rig.Kv(), out.View());
        CheckAgainst(Flat(whole, first), out, rig.Allowed());
      }
    });
  }
}

TEST_CASE("attend: chosen blocks, for one list, one per KV head, one per head") {
  for (const AttendCase& c : kCases) {
    CAPTURE_CASE(c);
    const AttendRig rig(c, 3);
    for (const int block_size : {1, 8, 24, 64, 300}) {
      if (block_size == 1 && c.tokens > 65) continue;
      for (const int groups : {1, c.heads.num_kv_heads, c.heads.num_q_heads}) {
        CAPTURE(block_size, groups);
        const RandomLists lists(groups, c.tokens, block_size, 0.4, 30 + groups);
        const auto want = Flat(testing::OracleBlocks(rig, lists));
        ForEachSet([&](Subject& subject) {
          Output out(c.tokens, c.heads.num_q_heads * c.heads.head_dim);
          subject.ops.AttendBlocks(rig.Query(), rig.Kv(), lists.View(), block_size, out.View());
          CheckAgainst(want, out, rig.Allowed());
        });
      }
    }
  }
}

TEST_CASE("attend: a decode step is the last row of a prefill over the same blocks") {
  for (const AttendCase& c : kCases) {
    CAPTURE_CASE(c);
    const AttendRig rig(c, 4);
    for (const int block_size : {1, 8, 24, 64, 600}) {
      for (const int groups : {1, c.heads.num_kv_heads, c.heads.num_q_heads}) {
        CAPTURE(block_size, groups);
        const RandomLists lists(groups, c.tokens, block_size, 0.5, 40 + groups);
        const auto want = Flat(testing::OracleBlocks(rig, lists), c.tokens - 1);
        // The last row of every group, as a selection of its own.
        const int b = lists.layout.num_blocks();
        std::vector<int32_t> counts, ids;
        for (int g = 0; g < groups; ++g) {
          const int64_t row = lists.View().RowOf(g, b - 1);
          counts.push_back(lists.counts[row]);
          ids.insert(ids.end(), lists.ids.begin() + row * b, lists.ids.begin() + (row + 1) * b);
        }
        const BlockSelection selection{groups, 1, b - 1, b, counts.data(), ids.data()};
        ForEachSet([&](Subject& subject) {
          Output out(1, c.heads.num_q_heads * c.heads.head_dim);
          subject.ops.AttendDecode(rig.Query(c.tokens - 1, c.tokens), rig.Kv(), selection,
                                   block_size, out.View());
          CheckAgainst(want, out, rig.Allowed());
        });
      }
    }
  }
}

TEST_CASE("attend: decode over many chunks") {
  const AttendCase c{{6, 2, 64}, 1700};
  const AttendRig rig(c, 5);
  const oracle::Tokens q = {rig.oracle_q.back()};
  const auto want = Flat(oracle::AttendDense(q, rig.oracle_k, rig.oracle_v, c.tokens - 1));
  ForEachSet([&](Subject& subject) {
    Output out(1, 6 * 64);
    subject.ops.AttendDense(rig.Query(c.tokens - 1, c.tokens), rig.Kv(), out.View());
    CheckAgainst(want, out, rig.Allowed());
  });
}

TEST_CASE("attend: no tokens, no work") {
  const AttendRig rig({{2, 1, 8}, 1}, 6);
  ForEachSet([&](Subject& subject) {
    Output out(0, 16);
    subject.ops.AttendDense(rig.Query(0, 0), rig.Kv(), out.View());
    CHECK(out.SentinelsIntact());
  });
}

TEST_CASE("attend: broken contracts are told") {
  const AttendRig rig({{4, 2, 8}, 20}, 7);
  const RandomLists lists(1, 20, 8, 0.5, 7);
  ForEachSet([&](Subject& subject) {
    Output out(20, 32);
    Output narrow(20, 31);
    BlockSelection three = lists.View();
    three.num_groups = 3;
    CHECK_THROWS_AS(subject.ops.AttendDense(rig.Query(), rig.Kv(19), out.View()), BugError);
    CHECK_THROWS_AS(subject.ops.AttendDense(rig.Query(), rig.Kv(), narrow.View()), BugError);
    CHECK_THROWS_AS(subject.ops.AttendBlocks(rig.Query(), rig.Kv(), lists.View(), 16, out.View()),
                    BugError);
    CHECK_THROWS_AS(subject.ops.AttendBlocks(rig.Query(), rig.Kv(), three, 8, out.View()),
                    BugError);
    CHECK(out.SentinelsIntact());
  });
}

}  // namespace
}  // namespace sw
