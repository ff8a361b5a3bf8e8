// What one call of the attention kernels works on: a tile of queries against a tile of keys.
//
// Queries of a tile are rows, token-major: row = token * heads + head, scaled by 1/sqrt(d), so the
// query of a row stands at position first_pos + row / heads. Keys come as strips of `lanes` keys,
// transposed to [head_dim][lanes]; a strip's keys past its count are zero and masked. Strips are in
// ascending order of position. Values stay where they are, token-major.
#pragma once

#include <cstdint>

namespace sw::simd {

// Most keys of one tile (a multiple of the lanes of every instruction set), and strips at 4 lanes.
constexpr int kTileKeys = 128;
constexpr int kMaxStrips = kTileKeys / 4;

struct KeyStrip {
  const float* keys = nullptr;  // [head_dim][lanes]
  int first_key = 0;            // position of its first key
  int count = 0;                // keys that it really has, 1 <= count <= lanes
};

// Values of `count` keys in a row, that belong to the columns [column, column + count) of the tile.
struct ValueRun {
  const float* values = nullptr;  // [count][value_stride]
  int column = 0;
  int count = 0;
};

struct QueryRows {
  const float* q = nullptr;  // [rows][head_dim]
  int rows = 0;
  int heads = 0;  // rows per token
  int first_pos = 0;
  int head_dim = 0;
};

struct KeyStrips {
  const KeyStrip* strips = nullptr;
  int num_strips = 0;  // at most kTileKeys / lanes
};

// Online softmax: folds the tile into max, sum and out. To begin, max is -infinity, sum and out 0;
// after the last tile attention is out / sum. A row's state after a tile in which it sees no key is
// bit for bit what it was.
struct AttendTile {
  QueryRows queries;
  KeyStrips keys;
  const ValueRun* runs = nullptr;
  int num_runs = 0;
  int64_t value_stride = 0;
  float* scores = nullptr;   // scratch [rows][num_strips * lanes], aligned to 64 bytes
  float* rescale = nullptr;  // scratch [rows]
  float* max = nullptr;      // in/out [rows]
  float* sum = nullptr;      // in/out [rows]
  float* out = nullptr;      // in/out [rows][head_dim]
};

// As AttendTile without a mask and with keys where they are (for a few query rows): run r has keys
// key_runs[r], [count][key_stride]. Columns of the runs follow each other without a gap.
struct AttendKeys {
  const float* q = nullptr;  // [rows][head_dim]
  int rows = 0;
  int head_dim = 0;
  const float* const* key_runs = nullptr;
  int64_t key_stride = 0;
  const ValueRun* runs = nullptr;
  int num_runs = 0;
  int64_t value_stride = 0;
  int num_keys = 0;         // of all runs
  float* scores = nullptr;  // scratch [rows][num_keys rounded up to lanes]
  float* rescale = nullptr;
  float* max = nullptr;
  float* sum = nullptr;
  float* out = nullptr;
};

// Folds, per row and key block, the largest score and the sum of exp(score - largest) into
// block_max and block_sum. To begin they are -infinity and 0, and stay so where the row sees no key
// of a block.
struct MassTile {
  QueryRows queries;
  KeyStrips keys;
  int first_strip = 0;         // strip 0 of the tile is this one of the sequence
  int strips_per_block = 0;    // strip s of the sequence belongs to block s / strips_per_block
  float* scores = nullptr;     // scratch as in AttendTile
  float* block_max = nullptr;  // in/out [rows][stride], from block 0 of the sequence on
  float* block_sum = nullptr;  // in/out [rows][stride]
  int64_t stride = 0;
};

// Rows of MassTile after the last tile. The mass of block j in a row is
// block_sum[j] exp(block_max[j] - m) / z with m the row's maximum and z the sum of its numerators.
struct MassRows {
  const float* block_max = nullptr;  // [rows][stride]
  const float* block_sum = nullptr;  // [rows][stride]
  int64_t stride = 0;
  int rows = 0;
  int num_blocks = 0;
};

}  // namespace sw::simd
