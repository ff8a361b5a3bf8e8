#include "reference/attend_decode.h"

#include "core/base/check.h"
#include "core/ops/block_layout.h"
#include "core/tensor/buffer.h"
#include "reference/attention_ops.h"
#include "reference/simd/attend_tile.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace sw {
namespace {

// Keys that one work item goes through. Fixed, so that sums do not depend on the number of threads.
constexpr int kChunkKeys = 512;

// The work: query heads that share a list and a KV head ("unit"), times chunks of that list.
struct DecodePlan {
  const QueryView& q;
  const KvView& kv;
  const BlockSelection* selection;
  BlockLayout layout;
  int heads;
  int units;
  int blocks_per_chunk;

  int UnitGroup(int unit) const { return selection->GroupOf(unit * heads, q.num_heads); }
  int ListLength(int unit) const {
    return selection == nullptr ? layout.num_blocks() : selection->counts[UnitGroup(unit)];
  }
  int BlockAt(int unit, int n) const {
    if (selection == nullptr) return n;
    return selection
        ->block_ids[static_cast<int64_t>(UnitGroup(unit)) * selection->row_capacity + n];
  }
  int NumChunks(int unit) const { return CeilDiv(ListLength(unit), blocks_per_chunk); }
  int64_t KvHeadOffset(int unit) const {
    return kv.HeadOffset(unit * heads / (q.num_heads / kv.num_kv_heads));
  }
};

// Softmax state of one chunk: accumulators first, then sums, then maxima of the unit's heads.
struct Partial {
  float* out;
  float* sum;
  float* max;
};
Partial PartialAt(float* base, int heads, int head_dim) {
  float* sum = base + static_cast<int64_t>(heads) * head_dim;
  return {base, sum, sum + heads};
}

// What a worker needs while it goes through a chunk.
struct ChunkScratch {
  float* scores;
  float* rescale;
  std::vector<const float*> key_runs;
  std::vector<simd::ValueRun> runs;
};

void AttendChunk(const DecodePlan& plan, const simd::Kernels& kernels, const float* scaled_q,
                 int unit, int chunk, ChunkScratch& scratch, const Partial& partial) {
  const int d = plan.kv.head_dim;
  const int64_t head = plan.KvHeadOffset(unit);
  const auto* all_keys = static_cast<const float*>(plan.kv.k) + head;
  const auto* all_values = static_cast<const float*>(plan.kv.v) + head;
  scratch.key_runs.clear();
  scratch.runs.clear();
  simd::AttendKeys args;
  const int begin = chunk * plan.blocks_per_chunk;
  const int end = std::min(plan.ListLength(unit), begin + plan.blocks_per_chunk);
  int previous = -2;
  for (int n = begin; n < end; ++n) {
    const int block = plan.BlockAt(unit, n);
    const int count = plan.layout.Count(block);
    if (block == previous + 1) {
      scratch.runs.back().count += count;
    } else {
      const int64_t offset = static_cast<int64_t>(plan.layout.Begin(block)) * d;
      scratch.key_runs.push_back(all_keys + offset);
      scratch.runs.push_back({all_values + offset, args.num_keys, count});
    }
    previous = block;
    args.num_keys += count;
  }
  args.q = scaled_q + static_cast<int64_t>(unit) * plan.heads * d;
  args.rows = plan.heads;
  args.head_dim = d;
  args.key_runs = scratch.key_runs.data();
  args.key_stride = d;
  args.runs = scratch.runs.data();
  args.num_runs = static_cast<int>(scratch.runs.size());
  args.value_stride = d;
  args.scores = scratch.scores;
  args.rescale = scratch.rescale;
  args.max = partial.max;
  args.sum = partial.sum;
  args.out = partial.out;
  std::fill_n(partial.out, plan.heads * d, 0.0f);
  std::fill_n(partial.sum, plan.heads, 0.0f);
  std::fill_n(partial.max, plan.heads, -std::numeric_limits<float>::infinity());
  kernels.attend_keys(args);
}

// Merges the chunks of one head, in order, and divides by the sum.
void MergeChunks(float* partials, int64_t partial_floats, int num_chunks, int heads, int head,
                 int head_dim, float* out) {
  float max = -std::numeric_limits<float>::infinity();
  for (int c = 0; c < num_chunks; ++c) {
    max = std::max(max, PartialAt(partials + c * partial_floats, heads, head_dim).max[head]);
  }
  float sum = 0.0f;
  std::fill_n(out, head_dim, 0.0f);
  for (int c = 0; c < num_chunks; ++c) {
    const Partial partial = PartialAt(partials + c * partial_floats, heads, head_dim);
    const float factor = std::exp(partial.max[head] - max);
    sum += factor * partial.sum[head];
    const float* from = partial.out + static_cast<int64_t>(head) * head_dim;
    for (int i = 0; i < head_dim; ++i) out[i] += factor * from[i];
  }
  const float inverse = 1.0f / sum;
  for (int i = 0; i < head_dim; ++i) out[i] *= inverse;
}

}  // namespace

void AttendOneToken(ThreadPool& pool, const simd::Kernels& kernels, Memory& memory,
                    const QueryView& q, const KvView& kv, const BlockSelection* selection,
                    int block_size, const TensorView& out) {
  const int d = kv.head_dim;
  const int num_keys = q.first_pos + 1;
  SW_CHECK(q.dtype == DType::kF32 && kv.dtype == DType::kF32, "the reference computes in f32");
  SW_CHECK(q.num_tokens == 1 && q.head_dim == d && num_keys <= kv.len, "{} of {} keys", num_keys,
           kv.len);
  SW_CHECK(kv.num_kv_heads >= 1 && q.num_heads % kv.num_kv_heads == 0, "{} query heads over {}",
           q.num_heads, kv.num_kv_heads);
  if (selection == nullptr) block_size = kChunkKeys;
  const bool per_head = selection != nullptr && selection->num_groups > kv.num_kv_heads;
  const int heads = per_head ? 1 : q.num_heads / kv.num_kv_heads;
  const DecodePlan plan{q,
                        kv,
                        selection,
                        BlockLayout{num_keys, block_size},
                        heads,
                        q.num_heads / heads,
                        std::max(1, kChunkKeys / block_size)};
  int max_chunks = 0;
  for (int unit = 0; unit < plan.units; ++unit) {
    SW_CHECK(plan.ListLength(unit) > 0, "an empty list");
    max_chunks = std::max(max_chunks, plan.NumChunks(unit));
  }

  const int64_t partial_floats = static_cast<int64_t>(heads) * (d + 2);
  const int64_t chunk_keys = static_cast<int64_t>(plan.blocks_per_chunk) * block_size;
  const int64_t scores_floats = heads * (CeilDiv(chunk_keys, 16) * 16LL);
  const int64_t scratch_floats = scores_floats + CeilDiv(heads, 16) * 16LL;
  Buffer<float> scratch(memory, "workspace", scratch_floats * pool.num_threads());
  Buffer<float> scaled(memory, "workspace", static_cast<size_t>(q.num_heads) * d);
  Buffer<float> partials(memory, "workspace", partial_floats * max_chunks * plan.units);
  const float scale = 1.0f / std::sqrt(static_cast<float>(d));
  const float* from = q.TokenF32(0);
  for (int64_t i = 0; i < static_cast<int64_t>(q.num_heads) * d; ++i) {
    scaled.data()[i] = from[i] * scale;
  }

  std::vector<ChunkScratch> workers(pool.num_threads());
  pool.ParallelFor(
      static_cast<int64_t>(plan.units) * max_chunks,
      [&](int64_t item, int worker) {
        const int unit = static_cast<int>(item / max_chunks);
        const int chunk = static_cast<int>(item % max_chunks);
        if (chunk >= plan.NumChunks(unit)) return;
        ChunkScratch& mine = workers[worker];
        mine.scores = scratch.data() + worker * scratch_floats;
        mine.rescale = mine.scores + scores_floats;
        AttendChunk(plan, kernels, scaled.data(), unit, chunk, mine,
                    PartialAt(partials.data() + item * partial_floats, heads, d));
      },
      1);
  for (int unit = 0; unit < plan.units; ++unit) {
    float* of_unit = partials.data() + unit * partial_floats * max_chunks;
    for (int head = 0; head < heads; ++head) {
      MergeChunks(of_unit, partial_floats, plan.NumChunks(unit), heads, head, d,
                  out.RowAs<float>(0) + static_cast<int64_t>(unit * heads + head) * d);
    }
  }
}

void ReferenceAttentionOps::AttendDecode(const QueryView& q, const KvView& kv,
                                         const BlockSelection& selection, int block_size,
                                         const TensorView& out) const {
  SW_CHECK(out.dtype == DType::kF32 && out.rows == 1 &&
           out.cols == static_cast<int64_t>(q.num_heads) * q.head_dim);
  SW_CHECK(q.first_pos + 1 == kv.len, "token {} of {} is not the last", q.first_pos, kv.len);
  SW_CHECK(selection.num_q_blocks == 1, "{} rows for one token", selection.num_q_blocks);
  const int num_groups = selection.num_groups;
  SW_CHECK(num_groups == 1 || num_groups == kv.num_kv_heads || num_groups == q.num_heads,
           "{} lists for {} heads", num_groups, q.num_heads);
  AttendOneToken(pool_, kernels_, memory_, q, kv, &selection, block_size, out);
}

}  // namespace sw
