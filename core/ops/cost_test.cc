// The pair counts against loops over every (query, key) of a selection built block by block, and
// the costs against hand counts: an oracle that knows no closed form.
#include "core/ops/cost.h"

#include "core/testing/catch.h"

namespace sw {
namespace {

// Blocks of row i under the rule: the forced ones and then, any choice will do, the earliest.
std::vector<bool> KeptBlocks(const KeepRule& rule, int i, int num_blocks) {
  std::vector<bool> kept(static_cast<size_t>(i) + 1);
  int count = 0;
  for (int j = 0; j <= i; ++j) {
    kept[static_cast<size_t>(j)] = rule.forced.Holds(i, j, num_blocks);
    count += kept[static_cast<size_t>(j)] ? 1 : 0;
  }
  for (int j = 0; j <= i && count < rule.Count(i, num_blocks); ++j) {
    if (kept[static_cast<size_t>(j)]) continue;
    kept[static_cast<size_t>(j)] = true;
    ++count;
  }
  return kept;
}

double CountKeys(const KeepRule& rule, int query, int block_size, int num_blocks) {
  const std::vector<bool> kept = KeptBlocks(rule, query / block_size, num_blocks);
  double keys = 0;
  for (int key = 0; key <= query; ++key)
    keys += kept[static_cast<size_t>(key / block_size)] ? 1 : 0;
  return keys;
}

std::vector<KeepRule> Rules() {
  std::vector<KeepRule> rules;
  for (const int top_blocks : {1, 3, 7, 100}) rules.push_back({{1, 1, 0}, top_blocks, 0.0});
  for (const double density : {0.01, 0.2, 0.5, 1.0}) rules.push_back({{1, 2, 0}, 16, density});
  rules.push_back({{0, 1, 2}, 2, 0.0});
  rules.push_back({{3, 4, 1}, 1, 0.0});
  return rules;
}

constexpr int kTokens[] = {1, 3, 7, 8, 9, 16, 17, 63, 100};

TEST_CASE("Pairs of a prefill are those of every query and key") {
  for (const int block_size : {1, 5, 8}) {
    for (const int tokens : kTokens) {
      for (const KeepRule& rule : Rules()) {
        CAPTURE(block_size, tokens, rule.top_blocks, rule.density);
        const BlockLayout layout{tokens, block_size};
        double kept = 0;
        double causal = 0;
        for (int query = 0; query < tokens; ++query) {
          kept += CountKeys(rule, query, block_size, layout.num_blocks());
          causal += query + 1;
        }
        CHECK(PrefillPairs(rule, layout).kept == kept);
        CHECK(PrefillPairs(rule, layout).causal == causal);
      }
    }
  }
}

TEST_CASE("Pairs of a decode step are the keys of its one query, without a dense tail") {
  for (const int tokens : kTokens) {
    for (KeepRule rule : Rules()) {
      CAPTURE(tokens, rule.top_blocks, rule.density, rule.forced.dense_tail_blocks);
      const BlockLayout layout{tokens, 8};
      const PairCount pairs = DecodePairs(rule, layout);
      rule.forced.dense_tail_blocks = 0;
      CHECK(pairs.kept == CountKeys(rule, tokens - 1, 8, layout.num_blocks()));
      CHECK(pairs.causal == tokens);
    }
  }
}

// 6 query heads over 2 KV heads of 12; every step of the loops below is one multiply and one add.
constexpr LayerDims kDims{{6, 2, 12}, 20, 28};

double FlopsOf(const StageCosts& costs, Stage stage) {
  return costs[static_cast<size_t>(stage)].flops;
}

TEST_CASE("Matrix products and attention count two per multiply-add") {
  const int tokens = 37;
  const StageCosts costs = PrefillLayerCost(kDims, {}, tokens);
  double qkv = 0, out = 0, mlp = 0, attend = 0;
  for (int t = 0; t < tokens; ++t) {
    for (int i = 0; i < 20; ++i) {
      for (int o = 0; o < (6 + 2 + 2) * 12; ++o) qkv += 2;
      for (int o = 0; o < 6 * 12; ++o) out += 2;
      for (int f = 0; f < 28; ++f) mlp += 3 * 2;
    }
    for (int key = 0; key <= t; ++key) {
      for (int head = 0; head < 6; ++head) attend += 2 * 12 + 2 * 12;
    }
  }
  CHECK(FlopsOf(costs, Stage::kQkv) == qkv);
  CHECK(FlopsOf(costs, Stage::kOutProj) == out);
  CHECK(FlopsOf(costs, Stage::kMlp) == mlp);
  CHECK(FlopsOf(costs, Stage::kAttend) == attend);
  CHECK(AttentionTotal(costs).flops == attend);
  CHECK(FlopsOf(HeadCost(20, 50, 3), Stage::kHead) == 2.0 * 3 * 50 * 20);
}

TEST_CASE("A dense layer executes its dense equivalent") {
  const StageCosts prefill = PrefillLayerCost(kDims, {}, 50);
  const StageCosts decode = DecodeLayerCost(kDims, {}, 50);
  for (size_t i = 0; i < prefill.size(); ++i) {
    CHECK(prefill[i].flops == prefill[i].dense_flops);
    CHECK(decode[i].flops == decode[i].dense_flops);
  }
}

TEST_CASE("A sparse layer has the dense equivalent of the dense layer and its own selection") {
  const int tokens = 61;
  const StageCosts dense = PrefillLayerCost(kDims, {}, tokens);
  for (const SelectionKind kind :
       {SelectionKind::kFree, SelectionKind::kOneHop, SelectionKind::kWalk, SelectionKind::kMass}) {
    SelectionCostShape shape{kind, 8, {{1, 1, 0}, 3, 0.0}, 8, 1};
    const StageCosts costs = PrefillLayerCost(kDims, shape, tokens);
    CHECK(Total(costs).dense_flops == Total(dense).flops);
    CHECK(FlopsOf(costs, Stage::kMlp) == FlopsOf(dense, Stage::kMlp));
    CHECK(FlopsOf(costs, Stage::kAttend) < FlopsOf(dense, Stage::kAttend));
    CHECK((FlopsOf(costs, Stage::kWalk) > 0) == (kind == SelectionKind::kWalk));
    CHECK((FlopsOf(costs, Stage::kMass) > 0) == (kind == SelectionKind::kMass));
    const bool sketches = kind == SelectionKind::kOneHop || kind == SelectionKind::kWalk;
    CHECK((FlopsOf(costs, Stage::kScore) > 0) == sketches);
    shape.rule.top_blocks = 8;  // all 8 blocks
    CHECK(FlopsOf(PrefillLayerCost(kDims, shape, tokens), Stage::kAttend) ==
          FlopsOf(dense, Stage::kAttend));
  }
}

TEST_CASE("The walk's product counts what both masks leave") {
  const int tokens = 44;  // 6 blocks of 8
  double walk = 0;
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j <= i; ++j) {
      for (int l = 0; l <= i; ++l) walk += 2;
    }
  }
  const SelectionCostShape shape{SelectionKind::kWalk, 8, {{1, 1, 0}, 3, 0.0}, 8, 1};
  CHECK(FlopsOf(PrefillLayerCost(kDims, shape, tokens), Stage::kWalk) == walk);
}

TEST_CASE("A decode step attends to the kept keys with every head") {
  const SelectionCostShape shape{SelectionKind::kOneHop, 8, {{1, 1, 0}, 3, 0.0}, 8, 1};
  const StageCosts costs = DecodeLayerCost(kDims, shape, 44);
  CHECK(FlopsOf(costs, Stage::kAttend) == (8 + 8 + 4) * 6 * 4.0 * 12);
  CHECK(costs[static_cast<size_t>(Stage::kAttend)].dense_flops == 44 * 6 * 4.0 * 12);
}

}  // namespace
}  // namespace sw
