// Token <-> block arithmetic, the only place where it is done. Blocks are block_size tokens; the
// last one of a sequence may be ragged (shorter).
#pragma once

#include <algorithm>
#include <cstdint>

namespace sw {

constexpr int CeilDiv(int64_t a, int64_t b) { return static_cast<int>((a + b - 1) / b); }

struct BlockLayout {
  int num_tokens = 0;
  int block_size = 1;

  constexpr int num_blocks() const { return CeilDiv(num_tokens, block_size); }
  constexpr int BlockOf(int token) const { return token / block_size; }
  constexpr int Begin(int block) const { return block * block_size; }
  constexpr int End(int block) const { return std::min(num_tokens, (block + 1) * block_size); }
  constexpr int Count(int block) const { return End(block) - Begin(block); }
};

static_assert(BlockLayout{129, 64}.num_blocks() == 3);
static_assert(BlockLayout{129, 64}.Count(2) == 1);
static_assert(BlockLayout{0, 64}.num_blocks() == 0);

}  // namespace sw
