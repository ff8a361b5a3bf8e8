// One query token against its keys, where they lie.
#pragma once

#include "core/ops/block_selection.h"
#include "core/ops/kv_view.h"
#include "core/tensor/memory.h"
#include "core/tensor/tensor_view.h"
#include "reference/simd/kernels.h"
#include "reference/thread_pool.h"

namespace sw {

// Attention of the single token of q over the keys [0, q.first_pos], of all blocks (selection ==
// nullptr, block_size unused) or of those in the selection's single row. out has one row.
void AttendOneToken(ThreadPool& pool, const simd::Kernels& kernels, Memory& memory,
                    const QueryView& q, const KvView& kv, const BlockSelection* selection,
                    int block_size, const TensorView& out);

}  // namespace sw
