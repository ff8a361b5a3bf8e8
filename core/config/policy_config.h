// One struct per attention policy, in the words of the algorithm page. Every default is the
// algorithm's; every field is a YAML key, a --set key and a column of the record (visit_fields.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sw {

enum class PhaseMode { kSparse, kDense };
enum class Normaliser { kAll, kCausal };
enum class ScoreScale { kSqrtR, kSqrtD };
enum class WalkFrom { kFirstSparse, kLayer0 };
enum class FinishedRowMode { kLast, kMean };
enum class Aggregate { kSum, kMax };
enum class Share { kLayer, kKvGroup, kHead };

// What every sparse policy has.
struct SparseConfig {
  int block_size = 64;  // B: tokens per selectable block
  std::optional<int>
      top_blocks;  // tau: key blocks per query block, forced ones counted; default 16
  std::optional<double> density;  // instead: row i keeps ceil(density (i + 1)); 1 equals dense
  int skip_layers = 2;            // N: layers at the start that stay dense
  PhaseMode prefill = PhaseMode::kSparse;
  PhaseMode decode = PhaseMode::kSparse;
  int sink_blocks = 1;        // first blocks, always kept
  int local_blocks = 1;       // nearest blocks, always kept; the query's own block included
  int dense_tail_blocks = 0;  // last query blocks of a prefill that keep everything
};

struct DenseConfig {};

struct SketchWalkConfig {
  SparseConfig sparse;
  int sketch_dim = 64;           // r: numbers kept per block; larger = scores closer to exact
  double sparsity_exponent = 8;  // s: power on each softmax weight; larger = a sharper walk
  uint64_t sketch_seed = 0;      // one transform per run
  ScoreScale score_scale = ScoreScale::kSqrtR;
  Normaliser normaliser = Normaliser::kAll;
  WalkFrom walk_from = WalkFrom::kFirstSparse;
  FinishedRowMode finished_row = FinishedRowMode::kLast;
};

// sketch_walk without the walk: every layer chooses by its own W.
struct OneHopConfig {
  SparseConfig sparse;
  int sketch_dim = 64;
  double sparsity_exponent = 8;
  uint64_t sketch_seed = 0;
  ScoreScale score_scale = ScoreScale::kSqrtR;
  Normaliser normaliser = Normaliser::kAll;
  FinishedRowMode finished_row = FinishedRowMode::kLast;
};

// Exact attention mass, top tau: the ceiling of any selector at that density. Its time is no claim.
struct OracleConfig {
  SparseConfig sparse;
  Aggregate aggregate = Aggregate::kSum;  // how masses of queries and heads of a list are joined
  Share share = Share::kLayer;            // who shares one list
};

// Sinks and the nearest blocks, whatever the content: a floor.
struct LocalSinkConfig {
  SparseConfig sparse;
};

// Random blocks beside the forced ones, from (seed, sample, layer, query block): the floor.
struct RandomConfig {
  SparseConfig sparse;
  uint64_t seed = 0;
};

using PolicyConfig = std::variant<DenseConfig, SketchWalkConfig, OneHopConfig, OracleConfig,
                                  LocalSinkConfig, RandomConfig>;

// "dense", "sketch_walk", ...: the YAML name of an arm.
std::string_view PolicyName(const PolicyConfig& config);
// The default config of a policy name; nullopt for an unknown one.
std::optional<PolicyConfig> PolicyFromName(std::string_view name);
// All names, in the order of the variant.
std::vector<std::string_view> PolicyNames();
// The sparse part, or nullptr for dense.
const SparseConfig* SparsePartOf(const PolicyConfig& config);

// Throws UserError naming field, value, legal range; `head_dim` > 0 also checks sketch_dim against
// the padded head_dim, `num_layers` > 0 checks skip_layers.
void ValidatePolicy(const PolicyConfig& config, int head_dim, int num_layers);

}  // namespace sw
