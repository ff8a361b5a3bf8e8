// What must hold of attention whatever the numbers are, most of it bit for bit.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/testing/catch.h"
#include "reference/attend_test_rig.h"

namespace sw {
namespace {

using testing::AttendCase;
using testing::AttendRig;
using testing::Output;
using testing::RandomLists;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> Dense(const AttendRig& rig, int begin, int end, const simd::Kernels& kernels,
                         int threads = 2) {
  ThreadPool pool(threads);
  HostMemory memory;
  const ReferenceAttentionOps ops(pool, kernels, memory);
  const HeadShape& heads = rig.shape().heads;
  Output out(end - begin, heads.num_q_heads * heads.head_dim);
  ops.AttendDense(rig.Query(begin, end), rig.Kv(), out.View());
  return out.Values();
}

std::vector<float> Blocks(const AttendRig& rig, const RandomLists& lists,
                          const simd::Kernels& kernels, int threads = 2) {
  ThreadPool pool(threads);
  HostMemory memory;
  const ReferenceAttentionOps ops(pool, kernels, memory);
  const AttendCase& c = rig.shape();
  Output out(c.tokens, c.heads.num_q_heads * c.heads.head_dim);
  ops.AttendBlocks(rig.Query(), rig.Kv(), lists.View(), lists.layout.block_size, out.View());
  return out.Values();
}

template <class Body>
void ForEachSet(Body&& body) {
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    CAPTURE((*set)->name);
    body(**set);
  }
}

TEST_CASE("attend: every block chosen is dense attention") {
  const AttendRig rig({{6, 2, 64}, 333}, 11);
  ForEachSet([&](const simd::Kernels& kernels) {
    const std::vector<float> dense = Dense(rig, 0, 333, kernels);
    for (const int block_size : {16, 32, 64}) {
      // Whole vectors of keys per block: the tiles are those of dense attention.
      CHECK(Blocks(rig, RandomLists(1, 333, block_size, 1.1, 1), kernels) == dense);
    }
    for (const int block_size : {7, 24, 100, 400}) {
      CAPTURE(block_size);
      const auto blocks = Blocks(rig, RandomLists(2, 333, block_size, 1.1, 1), kernels);
      const Comparison result = CompareRange(blocks, dense, rig.Allowed());
      INFO(result.Describe());
      CHECK(result.ok());
    }
  });
}

TEST_CASE("attend: the number of threads changes no bit") {
  const AttendRig rig({{9, 3, 64}, 300}, 12);
  const RandomLists lists(3, 300, 16, 0.4, 12);
  ForEachSet([&](const simd::Kernels& kernels) {
    const auto dense = Dense(rig, 0, 300, kernels, 1);
    const auto last = Dense(rig, 299, 300, kernels, 1);
    const auto blocks = Blocks(rig, lists, kernels, 1);
    for (const int threads : {2, 3}) {
      CHECK(Dense(rig, 0, 300, kernels, threads) == dense);
      CHECK(Dense(rig, 299, 300, kernels, threads) == last);
      CHECK(Blocks(rig, lists, kernels, threads) == blocks);
    }
  });
}

TEST_CASE("attend: a token's result does not depend on where its call begins or ends") {
  const AttendRig rig({{6, 2, 64}, 300}, 13);
  const int width = 6 * 64;
  ForEachSet([&](const simd::Kernels& kernels) {
    const auto whole = Dense(rig, 0, 300, kernels);
    for (const auto& [begin, end] : {std::pair{1, 300}, {130, 259}, {255, 257}}) {
      const auto part = Dense(rig, begin, end, kernels);
      const auto from = whole.begin() + begin * width;
      CHECK(std::equal(part.begin(), part.end(), from, from + (end - begin) * width));
    }
  });
}

TEST_CASE("attend: blocks that are not chosen are not read") {
  // Their values are NaN, which no arithmetic would hide.
  AttendRig rig({{2, 1, 16}, 96}, 14);
  RandomLists lists(1, 96, 16, 0.0, 14);
  for (int i = 0; i < 6; ++i) {  // block 2 only where it is the diagonal
    std::vector<int32_t> list = i >= 3 ? std::vector<int32_t>{0, 3} : std::vector<int32_t>{};
    if (list.empty() || list.back() != i) list.push_back(i);
    std::copy(list.begin(), list.end(), lists.ids.begin() + i * 6);
    lists.counts[i] = static_cast<int32_t>(list.size());
  }
  for (int t = 32; t < 48; ++t) std::fill_n(rig.values().begin() + t * 16, 16, kNan);
  ForEachSet([&](const simd::Kernels& kernels) {
    const auto out = Blocks(rig, lists, kernels);
    const auto is_nan = [](float x) { return std::isnan(x); };
    CHECK(std::all_of(out.begin() + 32 * 32, out.begin() + 48 * 32, is_nan));
    CHECK(std::none_of(out.begin(), out.begin() + 32 * 32, is_nan));
    CHECK(std::none_of(out.begin() + 48 * 32, out.end(), is_nan));
  });
}

TEST_CASE("attend: a NaN query comes out as NaN, alone") {
  AttendRig rig({{3, 1, 64}, 150}, 15);
  rig.queries()[77 * (3 * 64 + 5) + 64 + 9] = kNan;  // token 77, head 1
  ForEachSet([&](const simd::Kernels& kernels) {
    const auto out = Dense(rig, 0, 150, kernels);
    bool as_expected = true;
    for (int i = 0; i < 150 * 192; ++i) {
      const bool expected = i / 192 == 77 && i % 192 / 64 == 1;
      as_expected = as_expected && std::isnan(out[i]) == expected;
    }
    CHECK(as_expected);
    const auto one = Dense(rig, 77, 78, kernels);
    CHECK(std::isnan(one[64]));
    CHECK_FALSE(std::isnan(one[63]));
  });
}

TEST_CASE("attend: scores far beyond the range of exp") {
  // Standard deviation of a score 40 * 40 = 1600: softmax is the value of the best key.
  const AttendRig rig({{2, 1, 64}, 140}, 16, 40.0);
  const auto want = testing::Flat(oracle::AttendDense(rig.oracle_q, rig.oracle_k, rig.oracle_v, 0));
  ForEachSet([&](const simd::Kernels& kernels) {
    const Comparison result = CompareRange(Dense(rig, 0, 140, kernels), want, rig.Allowed());
    INFO(result.Describe());
    CHECK(result.ok());
  });
}

TEST_CASE("attend: a limit on memory is reported as such") {
  const AttendRig rig({{4, 2, 64}, 200}, 17);
  ForEachSet([&](const simd::Kernels& kernels) {
    ThreadPool pool(1);
    HostMemory memory(10'000);
    const ReferenceAttentionOps ops(pool, kernels, memory);
    Output out(200, 256);
    CHECK_THROWS_AS(ops.AttendDense(rig.Query(), rig.Kv(), out.View()), OutOfMemory);
    CHECK(memory.Usage()["workspace"].current_bytes == 0);
  });
}

}  // namespace
}  // namespace sw
