#include "reference/oracle/sketch_walk.h"

#include <cmath>

#include "reference/oracle/attend.h"
#include "reference/oracle/select.h"
#include "reference/oracle/walk.h"

namespace sw::oracle {
namespace {

BlockList AllBlocks(int last) {
  BlockList blocks;
  for (int j = 0; j <= last; ++j) blocks.push_back(j);
  return blocks;
}

}  // namespace

SketchWalk::SketchWalk(const Config& config, const Transform& transform, int num_layers)
    : config_(config), transform_(transform), layers_(static_cast<std::size_t>(num_layers)) {}

Matrix SketchWalk::key_rows(int layer) const {
  const Tokens& k = layers_[layer].k;
  const int head_dim = Size(k.front().front());
  return Sketch(SketchMatrix(transform_, head_dim), BlockMean(HeadMean(k), config_.block_size));
}

Matrix SketchWalk::ScoresOf(const Layer& layer) const {
  const int head_dim = Size(layer.k.front().front());
  const Matrix h = SketchMatrix(transform_, head_dim);
  const Matrix keys = Sketch(h, BlockMean(HeadMean(layer.k), config_.block_size));
  const int scale = config_.scale_by_head_dim ? head_dim : Size(transform_.rows);
  return BlockScores(layer.query_rows, keys, std::sqrt(scale));  // step 4
}

PrefillResult SketchWalk::Prefill(int layer, const Tokens& q, const Tokens& k, const Tokens& v) {
  Layer& kept = layers_[layer];
  kept.k = k;
  kept.v = v;
  kept.query_means = HeadMean(q);  // step 1
  kept.query_rows = Sketch(SketchMatrix(transform_, Size(q.front().front())),
                           BlockMean(kept.query_means, config_.block_size));  // steps 2, 3
  if (layer == 0) walk_.clear();

  PrefillResult result;
  result.scores = ScoresOf(kept);
  if (Walks(layer)) {
    const Matrix w =
        Weights(result.scores, config_.sparsity_exponent, config_.causal_normaliser);  // step 5
    if (!config_.walk) walk_.clear();
    walk_ = Walk(walk_, result.scores, w, config_.sparsity_exponent, &restarts_);  // step 6
    result.walk = walk_;
  }
  if (IsSparse(layer)) {
    result.blocks = SelectAll(config_, walk_);                              // step 7
    result.out = AttendBlocks(q, k, v, result.blocks, config_.block_size);  // step 8
  } else {
    for (int i = 0; i < Size(result.scores); ++i) result.blocks.push_back(AllBlocks(i));
    result.out = AttendDense(q, k, v, 0);
  }
  return result;
}

DecodeResult SketchWalk::Decode(int layer, const Matrix& q, const Matrix& k, const Matrix& v) {
  Layer& kept = layers_[layer];
  const Matrix h = SketchMatrix(transform_, Size(q.front()));
  const int t = Size(kept.k);
  const int c = t / config_.block_size;
  kept.k.push_back(k);  // step 1; step 2 is the block mean over all stored keys
  kept.v.push_back(v);
  if (t % config_.block_size == 0) {
    if (c > 0 && config_.mean_finished_row) {
      kept.query_rows.back() = Sketch(h, BlockMean(kept.query_means, config_.block_size)).back();
    }
    kept.query_rows.emplace_back();
  }
  kept.query_means.push_back(HeadMean({q}).front());
  kept.query_rows.back() = Sketch(h, {kept.query_means.back()}).front();  // step 3

  DecodeResult result;
  if (layer == 0) decode_walk_.clear();
  if (Walks(layer)) {
    const Matrix scores = ScoresOf(kept);  // step 4, from nothing
    const Matrix w = Weights(scores, config_.sparsity_exponent, config_.causal_normaliser);
    if (!config_.walk) decode_walk_.clear();
    Row row(w.size(), 0.0);  // step 5
    for (int j = 0; j <= c; ++j) {
      if (decode_walk_.empty()) row[j] = w[c][j];
      for (int l = 0; l < Size(decode_walk_); ++l) row[j] += decode_walk_[l] * w[l][j];
    }
    if (!Rescale(row)) {
      row = RestartRow(scores[c], c, config_.sparsity_exponent);
      ++restarts_;
    }
    decode_walk_ = row;
    result.walk = row;
  }
  result.blocks = IsSparse(layer) ? SelectBlocks(config_, decode_walk_, c, 0) : AllBlocks(c);
  result.out = AttendToken(q, kept.k, kept.v, TokensOf(result.blocks, config_.block_size, t));
  return result;
}

}  // namespace sw::oracle
