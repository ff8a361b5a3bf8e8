// Step 8: exact softmax attention, one full row of probabilities at a time, and the mass that every
// key block earns in it.
#pragma once

#include "reference/oracle/types.h"

namespace sw::oracle {

// Softmax of <q, k_t> / sqrt(d) over the listed key tokens, in their order.
Row Probabilities(const Row& q, const Tokens& k, int kv_head, const std::vector<int>& key_tokens);

// One token's heads over the listed key tokens: out [head][dim].
Matrix AttendToken(const Matrix& q_heads, const Tokens& k, const Tokens& v,
                   const std::vector<int>& key_tokens);

// Queries at positions first_pos, first_pos + 1, ... over every key up to their own.
Tokens AttendDense(const Tokens& q, const Tokens& k, const Tokens& v, int first_pos);

// Prefill over lists: lists[i] is query block i's. Causal at token level inside block i.
Tokens AttendBlocks(const Tokens& q, const Tokens& k, const Tokens& v, const BlockLists& lists,
                    int block_size);

// Tokens of the listed blocks at or before `position`.
std::vector<int> TokensOf(const BlockList& blocks, int block_size, int position);

enum class Join { kSum, kMax };

// Exact mass [group][query block][key block]: per head and query the softmax over all causal keys,
// summed over a block's keys, joined over the block's queries and over the heads of a group. Groups
// are equal runs of query heads: 1 (layer), kv heads (kv_group) or query heads (head).
std::vector<Matrix> BlockMass(const Tokens& q, const Tokens& k, int block_size, int num_groups,
                              Join join);

}  // namespace sw::oracle
