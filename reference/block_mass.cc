#include "core/base/check.h"
#include "core/ops/block_layout.h"
#include "core/tensor/buffer.h"
#include "reference/attention_ops.h"
#include "reference/prefill_tiles.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace sw {
namespace {

// Per worker: the rows of one query tile against all blocks, and their join.
struct MassScratch {
  float* block_max;
  float* block_sum;
  float* joined;
};

}  // namespace

// Each (row, block) is met once, when its largest score and its sum of exponents are kept; the
// softmax over the whole row is put together from these.
void ReferenceAttentionOps::BlockMass(const QueryView& q, const KvView& kv, int block_size,
                                      int num_groups, MassJoin join, float* scores,
                                      int64_t score_stride) const {
  const int num_blocks = CeilDiv(kv.len, block_size);
  SW_CHECK(num_groups == 1 || num_groups == kv.num_kv_heads || num_groups == q.num_heads,
           "{} lists for {} heads", num_groups, q.num_heads);
  SW_CHECK(score_stride >= num_blocks, "{} < {}", score_stride, num_blocks);
  if (q.num_tokens == 0) return;
  const int heads_per_list = q.num_heads / num_groups;
  const int heads = std::min(heads_per_list, q.num_heads / kv.num_kv_heads);
  const PrefillTiles tiles(pool_, kernels_, memory_, q, kv, block_size, heads);
  const int per_tile = std::min(block_size, tiles.tokens_per_tile());
  const BlockLayout layout{q.first_pos + q.num_tokens, block_size};
  const int first_block = q.first_pos / block_size;
  const int64_t q_blocks = layout.num_blocks() - first_block;

  const int64_t stride = CeilDiv(num_blocks, 16) * 16LL;
  const int64_t rows = static_cast<int64_t>(per_tile) * heads;
  const int64_t scratch_floats = (2 * rows + 1) * stride;
  Buffer<float> scratch(memory_, "workspace", scratch_floats * pool_.num_threads());
  pool_.ParallelFor(
      q_blocks * num_groups,
      [&](int64_t item, int worker) {
        const int group = static_cast<int>(item % num_groups);
        const int64_t row = q_blocks - 1 - item / num_groups;  // the heaviest first
        const int block = first_block + static_cast<int>(row);
        const int token_end = layout.End(block) - q.first_pos;
        MassScratch mine;
        mine.block_max = scratch.data() + worker * scratch_floats;
        mine.block_sum = mine.block_max + rows * stride;
        mine.joined = mine.block_sum + rows * stride;
        std::fill_n(mine.joined, stride, 0.0f);
        for (int head = group * heads_per_list; head < (group + 1) * heads_per_list;
             head += heads) {
          for (int token = std::max(0, layout.Begin(block) - q.first_pos); token < token_end;
               token += per_tile) {
            const QueryTile tile{head, heads, token, std::min(token + per_tile, token_end)};
            const int tile_rows = (tile.token_end - tile.token_begin) * heads;
            std::fill_n(mine.block_max, tile_rows * stride,
                        -std::numeric_limits<float>::infinity());
            std::fill_n(mine.block_sum, tile_rows * stride, 0.0f);
            tiles.Mass(tile, {nullptr, block + 1}, worker, mine.block_max, mine.block_sum, stride);
            kernels_.join_mass({mine.block_max, mine.block_sum, stride, tile_rows, block + 1},
                               join == MassJoin::kSum, mine.joined);
          }
        }
        float* to = scores + (group * q_blocks + row) * score_stride;
        std::copy_n(mine.joined, block + 1, to);
        std::fill(to + block + 1, to + num_blocks, 0.0f);
      },
      1);
}

}  // namespace sw
