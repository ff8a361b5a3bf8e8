// The golden vectors of SketchWalk: inputs and results of an independent float64 implementation, as
// plain structs, so that every subject (oracle, operations, policy) reads the same file the same
// way.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace sw::golden {

constexpr double kNoMargin =
    std::numeric_limits<double>::infinity();  // there was nothing to choose
// Gaps (natural log) below this are ties: the file's choice and the tie rule's may both stand.
constexpr double kTieMargin = 1e-9;

// The config in the algorithm page's words; what a case leaves out has the default written here.
struct SketchConfig {
  int layers = 0, heads = 0, kv_heads = 0, head_dim = 0;
  int block_size = 64;
  int sketch_dim = 64;
  double sparsity_exponent = 8;
  int top_blocks = 16;
  double density = 0;  // 0: top_blocks decides
  int skip_layers = 0;
  int sink_blocks = 1, local_blocks = 1, dense_tail_blocks = 0;
  bool sqrt_d = false;         // score_scale
  bool causal = false;         // normaliser
  bool from_layer0 = false;    // walk_from
  bool mean_finished = false;  // finished_row
  int prefill_tokens = 0, total_tokens = 0;
  std::vector<int> signs, rows;  // D [d'] and P [r]; all plus and all rows when the case gives none

  bool IsSparse(int layer) const { return layer >= skip_layers; }
  bool Walks(int layer) const { return from_layer0 || IsSparse(layer); }
};

struct PrefillLayer {
  std::vector<std::vector<double>> scores;  // [b][b]
  std::vector<std::vector<double>> walk;    // [b][b], masked entries NaN; empty where nothing walks
  std::vector<std::vector<int32_t>> blocks;
  double min_log_margin = kNoMargin;
  std::vector<double> out_last_rows;  // the last tokens' outputs, [tokens][head][dim]
  double out_sum = 0;                 // over all outputs of the layer
};

struct DecodeLayer {
  std::vector<int32_t> blocks;
  double log_margin = kNoMargin;
  std::vector<double> out;  // [head][dim]
};

struct Case {
  std::string name;  // "case 3: B 8, ..."
  SketchConfig config;
  std::vector<std::vector<double>> q, k, v;      // per layer [token][head][dim]
  std::vector<PrefillLayer> prefill;             // [layer]; empty without a prompt
  std::vector<std::vector<DecodeLayer>> decode;  // [step][layer]
};

// Every case of sketch_walk.json in the folder that SW_GOLDEN_DIR names, or else in this project's
// test data. Throws UserError when the file is missing or cannot be read as described.
std::vector<Case> ReadSketchGolden();

// The blocks are the file's; on a tie also a list of as many that prefers more recent blocks.
bool SameChoice(const std::vector<int32_t>& got, const std::vector<int32_t>& want, double margin);

}  // namespace sw::golden
