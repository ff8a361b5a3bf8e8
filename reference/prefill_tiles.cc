#include "reference/prefill_tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "core/ops/block_layout.h"

namespace sw {
namespace {

// Rows of a query tile: with its scores and its accumulators it stays within a core's own cache.
constexpr int kTileRows = 256;
constexpr int64_t kAlignFloats = 16;

int64_t Aligned(int64_t floats) {
  return (floats + kAlignFloats - 1) / kAlignFloats * kAlignFloats;
}

}  // namespace

PrefillTiles::PrefillTiles(ThreadPool& pool, const simd::Kernels& kernels, Memory& memory,
                           const QueryView& q, const KvView& kv, int block_size, int heads_per_tile)
    : kernels_(kernels), q_(q), kv_(kv), block_size_(block_size) {
  SW_CHECK(q.dtype == DType::kF32 && kv.dtype == DType::kF32, "the reference computes in f32");
  SW_CHECK(q.head_dim == kv.head_dim && q.head_dim >= 1, "{} != {}", q.head_dim, kv.head_dim);
  SW_CHECK(kv.num_kv_heads >= 1 && q.num_heads % kv.num_kv_heads == 0, "{} query heads over {}",
           q.num_heads, kv.num_kv_heads);
  SW_CHECK(q.stride >= static_cast<int64_t>(q.num_heads) * q.head_dim);
  SW_CHECK(block_size >= 1);
  num_keys_ = q.first_pos + q.num_tokens;
  SW_CHECK(num_keys_ <= kv.len && kv.len <= kv.capacity, "queries up to {} over {} keys", num_keys_,
           kv.len);
  num_blocks_ = CeilDiv(num_keys_, block_size);
  strips_per_block_ = CeilDiv(block_size, kernels.lanes);
  tokens_per_tile_ = std::max(1, kTileRows / heads_per_tile);
  if (tokens_per_tile_ > 16) tokens_per_tile_ = tokens_per_tile_ / 16 * 16;
  rows_per_tile_ = static_cast<int64_t>(tokens_per_tile_) * heads_per_tile;
  scratch_floats_ = 2 * Aligned(rows_per_tile_ * q.head_dim) + rows_per_tile_ * simd::kTileKeys +
                    3 * Aligned(rows_per_tile_);
  packed_ = Buffer<float>(memory, "workspace",
                          static_cast<size_t>(kv.num_kv_heads) * num_blocks_ * strips_per_block_ *
                              kernels.lanes * kv.head_dim);
  scratch_ =
      Buffer<float>(memory, "workspace", static_cast<size_t>(scratch_floats_) * pool.num_threads());
  PackKeys(pool);
}

void PrefillTiles::PackKeys(ThreadPool& pool) {
  const int lanes = kernels_.lanes;
  const int d = kv_.head_dim;
  const int64_t strip_floats = static_cast<int64_t>(d) * lanes;
  pool.ParallelFor(static_cast<int64_t>(kv_.num_kv_heads) * num_blocks_, [&](int64_t item, int) {
    const int head = static_cast<int>(item / num_blocks_);
    const int block = static_cast<int>(item % num_blocks_);
    const BlockLayout layout{num_keys_, block_size_};
    float* strip = packed_.data() + item * strips_per_block_ * strip_floats;
    for (int key = layout.Begin(block); key < layout.End(block); key += lanes) {
      const int count = std::min(lanes, layout.End(block) - key);
      const float* keys = kv_.KeysF32(head) + static_cast<int64_t>(key) * d;
      kernels_.pack_strip(keys, d, count, d, strip);
      strip += strip_floats;
    }
  });
}

PrefillTiles::Scratch PrefillTiles::ScratchOf(int worker) const {
  Scratch scratch{};
  scratch.scores = scratch_.data() + worker * scratch_floats_;
  scratch.q = scratch.scores + rows_per_tile_ * simd::kTileKeys;
  scratch.out = scratch.q + Aligned(rows_per_tile_ * q_.head_dim);
  scratch.rescale = scratch.out + Aligned(rows_per_tile_ * q_.head_dim);
  scratch.max = scratch.rescale + Aligned(rows_per_tile_);
  scratch.sum = scratch.max + Aligned(rows_per_tile_);
  return scratch;
}

simd::QueryRows PrefillTiles::GatherQueries(const QueryTile& tile, float* q) const {
  const float scale = 1.0f / std::sqrt(static_cast<float>(q_.head_dim));
  const int64_t row_floats = static_cast<int64_t>(tile.heads) * q_.head_dim;
  simd::QueryRows rows;
  rows.q = q;
  rows.heads = tile.heads;
  rows.rows = (tile.token_end - tile.token_begin) * tile.heads;
  rows.first_pos = q_.first_pos + tile.token_begin;
  rows.head_dim = q_.head_dim;
  SW_CHECK(rows.rows <= rows_per_tile_);
  for (int token = tile.token_begin; token < tile.token_end; ++token) {
    const float* from = q_.TokenF32(token) + static_cast<int64_t>(tile.q_head) * q_.head_dim;
    for (int64_t i = 0; i < row_floats; ++i) q[i] = from[i] * scale;
    q += row_floats;
  }
  return rows;
}

// Cuts the listed blocks into tiles of at most kTileKeys columns and calls
// visit(keys, first_strip, runs, num_runs) for each, where first_strip counts from block 0 when the
// list has no ids.
template <class Visit>
void PrefillTiles::ForEachTile(int kv_head, const BlockList& list, Visit&& visit) const {
  const BlockLayout layout{num_keys_, block_size_};
  const int lanes = kernels_.lanes;
  const int d = kv_.head_dim;
  const int64_t strip_floats = static_cast<int64_t>(d) * lanes;
  const float* head_strips = packed_.data() + static_cast<int64_t>(kv_head) * num_blocks_ *
                                                  strips_per_block_ * strip_floats;
  const float* values = kv_.ValuesF32(kv_head);
  simd::KeyStrip strips[simd::kMaxStrips];
  simd::ValueRun runs[simd::kMaxStrips];
  int num_strips = 0;
  int num_runs = 0;
  int first_strip = 0;
  const auto flush = [&] {
    if (num_strips == 0) return;
    visit(simd::KeyStrips{strips, num_strips}, first_strip, runs, num_runs);
    first_strip += num_strips;
    num_strips = 0;
    num_runs = 0;
  };
  for (int n = 0; n < list.count; ++n) {
    const int block = list.ids != nullptr ? list.ids[n] : n;
    const float* keys = head_strips + block * strips_per_block_ * strip_floats;
    for (int key = layout.Begin(block); key < layout.End(block); key += lanes) {
      const int count = std::min(lanes, layout.End(block) - key);
      const int column = num_strips * lanes;
      const float* value = values + static_cast<int64_t>(key) * d;
      strips[num_strips++] = {keys, key, count};
      keys += strip_floats;
      const simd::ValueRun* last = num_runs > 0 ? &runs[num_runs - 1] : nullptr;
      if (last != nullptr && last->column + last->count == column &&
          last->values + static_cast<int64_t>(last->count) * d == value) {
        runs[num_runs - 1].count += count;
      } else {
        runs[num_runs++] = {value, column, count};
      }
      if (num_strips * lanes == simd::kTileKeys) flush();
    }
  }
  flush();
}

void PrefillTiles::Attend(const QueryTile& tile, const BlockList& list, int worker,
                          const TensorView& out) const {
  const Scratch scratch = ScratchOf(worker);
  simd::AttendTile args;
  args.queries = GatherQueries(tile, scratch.q);
  args.value_stride = kv_.head_dim;
  args.scores = scratch.scores;
  args.rescale = scratch.rescale;
  args.max = scratch.max;
  args.sum = scratch.sum;
  args.out = scratch.out;
  const int64_t rows = args.queries.rows;
  const int d = q_.head_dim;
  std::fill_n(scratch.max, rows, -std::numeric_limits<float>::infinity());
  std::fill_n(scratch.sum, rows, 0.0f);
  std::fill_n(scratch.out, rows * d, 0.0f);
  const int kv_head = tile.q_head / (q_.num_heads / kv_.num_kv_heads);
  ForEachTile(kv_head, list,
              [&](const simd::KeyStrips& keys, int, const simd::ValueRun* runs, int num_runs) {
                args.keys = keys;
                args.runs = runs;
                args.num_runs = num_runs;
                kernels_.attend_tile(args);
              });
  int64_t row = 0;
  for (int token = tile.token_begin; token < tile.token_end; ++token) {
    float* to = out.RowAs<float>(token) + static_cast<int64_t>(tile.q_head) * d;
    for (int head = 0; head < tile.heads; ++head, ++row) {
      SW_CHECK(!(scratch.sum[row] <= 0.0f), "token {} sees no key", token);
      const float inverse = 1.0f / scratch.sum[row];
      for (int i = 0; i < d; ++i) *to++ = scratch.out[row * d + i] * inverse;
    }
  }
}

void PrefillTiles::Mass(const QueryTile& tile, const BlockList& list, int worker, float* block_max,
                        float* block_sum, int64_t stride) const {
  SW_CHECK(list.ids == nullptr, "masses are those of all blocks");
  const Scratch scratch = ScratchOf(worker);
  simd::MassTile args;
  args.queries = GatherQueries(tile, scratch.q);
  args.strips_per_block = strips_per_block_;
  args.scores = scratch.scores;
  args.block_max = block_max;
  args.block_sum = block_sum;
  args.stride = stride;
  const int kv_head = tile.q_head / (q_.num_heads / kv_.num_kv_heads);
  ForEachTile(kv_head, list,
              [&](const simd::KeyStrips& keys, int first_strip, const simd::ValueRun*, int) {
                args.keys = keys;
                args.first_strip = first_strip;
                kernels_.mass_tile(args);
              });
}

}  // namespace sw
