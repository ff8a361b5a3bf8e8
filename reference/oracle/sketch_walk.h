// Algorithms 1 and 2 of the algorithm page for one sequence, layer by layer. Decode recomputes all
// of A and W from the stored rows at every step: slow, and independent of any incremental method.
#pragma once

#include <optional>

#include "reference/oracle/sketch.h"
#include "reference/oracle/types.h"

namespace sw::oracle {

struct PrefillResult {
  Matrix scores;      // A, all columns
  Matrix walk;        // R (or masked, rescaled W without the walk); empty where nothing walks
  BlockLists blocks;  // every causal block in a dense layer
  Tokens out;
};

struct DecodeResult {
  Row walk;  // row c, columns 0..c; empty where nothing walks
  BlockList blocks;
  Matrix out;  // [head][dim]
};

class SketchWalk {
 public:
  SketchWalk(const Config& config, const Transform& transform, int num_layers);

  // Algorithm 1 for one layer; layers in ascending order, once, token 0 onwards.
  PrefillResult Prefill(int layer, const Tokens& q, const Tokens& k, const Tokens& v);
  // Algorithm 2 for one token and layer; layers in ascending order at every step. May also be used
  // from the first token on, without a prefill.
  DecodeResult Decode(int layer, const Matrix& q, const Matrix& k, const Matrix& v);

  long restarts() const { return restarts_; }
  // What decode keeps of a layer: sketched query and key rows of its blocks.
  const Matrix& query_rows(int layer) const { return layers_[layer].query_rows; }
  Matrix key_rows(int layer) const;

 private:
  struct Layer {
    Tokens k, v;
    Matrix query_means;  // head mean of every token's query
    Matrix query_rows;   // qs_l of every block, as decode sees them
  };

  bool IsSparse(int layer) const { return layer >= config_.skip_layers; }
  bool Walks(int layer) const { return config_.walk_from_layer0 || IsSparse(layer); }
  Matrix ScoresOf(const Layer& layer) const;

  Config config_;
  Transform transform_;
  std::vector<Layer> layers_;
  Matrix walk_;      // R of the prefill, carried from layer to layer
  Row decode_walk_;  // its current row, rebuilt at every step
  long restarts_ = 0;
};

}  // namespace sw::oracle
