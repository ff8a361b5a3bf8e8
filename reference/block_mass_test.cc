#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "core/testing/catch.h"
#include "reference/attend_test_rig.h"

namespace sw {
namespace {

using testing::AttendCase;
using testing::AttendRig;
using testing::kSentinel;

const std::vector<AttendCase> kCases = {{{1, 1, 8}, 1},    {{3, 1, 12}, 17}, {{4, 4, 64}, 63},
                                        {{8, 2, 8}, 64},   {{6, 2, 64}, 65}, {{9, 3, 64}, 150},
                                        {{8, 1, 128}, 40}, {{2, 2, 16}, 300}};

struct Masses {
  int num_blocks = 0;
  std::vector<float> scores;  // [groups][rows][stride]
  int64_t stride = 0;
};

Masses Run(const AttendRig& rig, int begin, int block_size, int groups, MassJoin join,
           const simd::Kernels& kernels, int threads = 2) {
  ThreadPool pool(threads);
  HostMemory memory;
  const ReferenceAttentionOps ops(pool, kernels, memory);
  const int n = rig.shape().tokens;
  Masses out;
  out.num_blocks = CeilDiv(n, block_size);
  out.stride = out.num_blocks + 2;
  const int rows = out.num_blocks - begin / block_size;
  out.scores.assign(static_cast<size_t>(groups) * rows * out.stride, kSentinel);
  ops.BlockMass(rig.Query(begin, n), rig.Kv(), block_size, groups, join, out.scores.data(),
                out.stride);
  CHECK(memory.Usage()["workspace"].current_bytes == 0);
  return out;
}

TEST_CASE("block mass: the oracle's, summed or the largest, for every sharing of lists") {
  for (const AttendCase& c : kCases) {
    CAPTURE(c.heads.num_q_heads, c.heads.num_kv_heads, c.heads.head_dim, c.tokens);
    const AttendRig rig(c, 21);
    // A mass is a sum of weights, each with the error that Allowed() gives one per unit of value.
    const double unit = rig.Allowed().absolute / 2;
    for (const int block_size : {1, 8, 24, 64, 300}) {
      if (block_size == 1 && c.tokens > 65) continue;
      for (const int groups : {1, c.heads.num_kv_heads, c.heads.num_q_heads}) {
        for (const MassJoin join : {MassJoin::kSum, MassJoin::kMax}) {
          CAPTURE(block_size, groups, static_cast<int>(join));
          const auto want =
              oracle::BlockMass(rig.oracle_q, rig.oracle_k, block_size, groups,
                                join == MassJoin::kSum ? oracle::Join::kSum : oracle::Join::kMax);
          for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
            CAPTURE((*set)->name);
            const Masses got = Run(rig, 0, block_size, groups, join, **set);
            int64_t wrong = 0;
            for (int64_t i = 0; i < static_cast<int64_t>(got.scores.size()); ++i) {
              const int64_t row = i / got.stride;
              const int64_t j = i % got.stride;
              const int64_t block = row % got.num_blocks;
              const float value = got.scores[i];
              if (j >= got.num_blocks) {
                wrong += value != kSentinel;
              } else if (j > block) {
                wrong += value != 0.0f;
              } else {
                const double expected = want[row / got.num_blocks][block][j];
                wrong += !Passes(value, expected, unit * (1 + std::abs(expected)));
              }
            }
            CHECK(wrong == 0);
          }
        }
      }
    }
  }
}

TEST_CASE("block mass: a row's masses are its queries' and heads' whole attention") {
  const AttendRig rig({{6, 2, 64}, 200}, 22);
  const Masses got = Run(rig, 0, 32, 2, MassJoin::kSum, simd::BestKernels());
  for (int row = 0; row < 2 * got.num_blocks; ++row) {
    const auto begin = got.scores.begin() + row * got.stride;
    const double sum = std::accumulate(begin, begin + got.num_blocks, 0.0);
    const int queries = BlockLayout{200, 32}.Count(row % got.num_blocks);
    CHECK(Passes(sum, 3.0 * queries, 1e-4 * queries));
  }
}

TEST_CASE("block mass: later queries alone, down to a single decode token") {
  const AttendRig rig({{6, 2, 64}, 200}, 23);
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    CAPTURE((*set)->name);
    for (const int block_size : {8, 32}) {
      const Masses whole = Run(rig, 0, block_size, 2, MassJoin::kMax, **set);
      const int first_row = 160 / block_size;
      const Masses part = Run(rig, 160, block_size, 2, MassJoin::kMax, **set);
      const int rows = part.num_blocks - first_row;
      for (int g = 0; g < 2; ++g) {
        const auto begin = whole.scores.begin() + (g * whole.num_blocks + first_row) * whole.stride;
        CHECK(std::equal(begin, begin + rows * whole.stride,
                         part.scores.begin() + g * rows * part.stride));
      }
      // The last token alone: the mass of one query.
      const auto want = oracle::Probabilities(rig.oracle_q[199][0], rig.oracle_k, 0, [] {
        std::vector<int> all(200);
        std::iota(all.begin(), all.end(), 0);
        return all;
      }());
      const Masses one = Run(rig, 199, block_size, 6, MassJoin::kSum, **set);
      for (int j = 0; j < one.num_blocks; ++j) {
        double mass = 0;
        for (int t = j * block_size; t < std::min(200, (j + 1) * block_size); ++t) mass += want[t];
        CHECK(Passes(one.scores[j], mass, rig.Allowed().absolute));
      }
    }
  }
}

TEST_CASE("block mass: the number of threads changes no bit") {
  const AttendRig rig({{9, 3, 64}, 260}, 24);
  for (const int groups : {1, 3, 9}) {
    const auto one = Run(rig, 0, 16, groups, MassJoin::kSum, simd::BestKernels(), 1);
    for (const int threads : {2, 3}) {
      CHECK(Run(rig, 0, 16, groups, MassJoin::kSum, simd::BestKernels(), threads).scores ==
            one.scores);
    }
  }
}

}  // namespace
}  // namespace sw
