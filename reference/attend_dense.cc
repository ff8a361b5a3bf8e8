#include "core/base/check.h"
#include "core/ops/block_layout.h"
#include "reference/attend_decode.h"
#include "reference/attention_ops.h"
#include "reference/prefill_tiles.h"

#include <algorithm>
#include <cstdint>

namespace sw {

void ReferenceAttentionOps::AttendDense(const QueryView& q, const KvView& kv,
                                        const TensorView& out) const {
  SW_CHECK(out.dtype == DType::kF32 && out.rows == q.num_tokens &&
           out.cols == static_cast<int64_t>(q.num_heads) * q.head_dim);
  if (q.num_tokens == 0) return;
  if (q.num_tokens == 1) {
    AttendOneToken(pool_, kernels_, memory_, q, kv, nullptr, 0, out);
    return;
  }
  // Blocks of one strip: keys follow each other without gaps.
  const int block_size = kernels_.lanes;
  const int heads = q.num_heads / kv.num_kv_heads;
  const PrefillTiles tiles(pool_, kernels_, memory_, q, kv, block_size, heads);
  const int per_tile = tiles.tokens_per_tile();
  const int64_t num_tiles = CeilDiv(q.num_tokens, per_tile);
  pool_.ParallelFor(
      num_tiles * kv.num_kv_heads,
      [&](int64_t item, int worker) {
        // The last queries see the most keys and come first.
        QueryTile tile;
        tile.heads = heads;
        tile.q_head = static_cast<int>(item % kv.num_kv_heads) * heads;
        tile.token_begin = static_cast<int>(num_tiles - 1 - item / kv.num_kv_heads) * per_tile;
        tile.token_end = std::min(q.num_tokens, tile.token_begin + per_tile);
        const int num_blocks = CeilDiv(q.first_pos + tile.token_end, block_size);
        tiles.Attend(tile, {nullptr, num_blocks}, worker, out);
      },
      1);
}

}  // namespace sw
