#include "core/base/check.h"
#include "core/ops/block_layout.h"
#include "reference/attention_ops.h"
#include "reference/prefill_tiles.h"

#include <algorithm>
#include <cstdint>

namespace sw {

void ReferenceAttentionOps::AttendBlocks(const QueryView& q, const KvView& kv,
                                         const BlockSelection& selection, int block_size,
                                         const TensorView& out) const {
  SW_CHECK(out.dtype == DType::kF32 && out.rows == q.num_tokens &&
           out.cols == static_cast<int64_t>(q.num_heads) * q.head_dim);
  if (q.num_tokens == 0) return;
  const BlockLayout layout{q.num_tokens, block_size};
  const int num_groups = selection.num_groups;
  SW_CHECK(q.first_pos == 0 && selection.q_block_begin == 0, "blocks are attended from token 0 on");
  SW_CHECK(selection.num_q_blocks == layout.num_blocks(), "{} rows for {} blocks",
           selection.num_q_blocks, layout.num_blocks());
  SW_CHECK(num_groups == 1 || num_groups == kv.num_kv_heads || num_groups == q.num_heads,
           "{} lists for {} heads", num_groups, q.num_heads);
  // Heads of one KV head go through its keys together as long as they share a list.
  const int heads = num_groups > kv.num_kv_heads ? 1 : q.num_heads / kv.num_kv_heads;
  const int64_t units = q.num_heads / heads;
  const PrefillTiles tiles(pool_, kernels_, memory_, q, kv, block_size, heads);
  const int per_tile = std::min(block_size, tiles.tokens_per_tile());
  const int parts = CeilDiv(block_size, per_tile);
  const int64_t num_tiles = static_cast<int64_t>(layout.num_blocks()) * parts;
  pool_.ParallelFor(
      num_tiles * units,
      [&](int64_t item, int worker) {
        // The last queries see the most keys and come first.
        const int64_t index = num_tiles - 1 - item / units;
        const int block = static_cast<int>(index / parts);
        QueryTile tile;
        tile.heads = heads;
        tile.q_head = static_cast<int>(item % units) * heads;
        tile.token_begin = layout.Begin(block) + static_cast<int>(index % parts) * per_tile;
        tile.token_end = std::min(layout.End(block), tile.token_begin + per_tile);
        if (tile.token_begin >= tile.token_end) return;
        const int64_t row = selection.RowOf(selection.GroupOf(tile.q_head, q.num_heads), block);
        tiles.Attend(tile,
                     {selection.block_ids + row * selection.row_capacity, selection.counts[row]},
                     worker, out);
      },
      1);
}

}  // namespace sw
