// The oracle against the golden vectors, every case of the file: prefill, then every decode step.
// The file prints scores with 7 decimals and outputs with 6: what may differ is that rounding.
#include "core/testing/catch.h"
#include "harness/golden/sketch_golden.h"
#include "reference/compare.h"
#include "reference/oracle/sketch_walk.h"

namespace sw {
namespace {

constexpr double kPrinted = 1.01e-6;

oracle::Config OracleConfig(const golden::SketchConfig& c) {
  oracle::Config config;
  config.block_size = c.block_size;
  config.sparsity_exponent = c.sparsity_exponent;
  config.top_blocks = c.top_blocks;
  config.density = c.density;
  config.skip_layers = c.skip_layers;
  config.sink_blocks = c.sink_blocks;
  config.local_blocks = c.local_blocks;
  config.dense_tail_blocks = c.dense_tail_blocks;
  config.scale_by_head_dim = c.sqrt_d;
  config.causal_normaliser = c.causal;
  config.walk_from_layer0 = c.from_layer0;
  config.mean_finished_row = c.mean_finished;
  return config;
}

// Tokens [begin, end) of a layer's flat numbers.
oracle::Tokens TokensOf(const std::vector<double>& flat, int begin, int end, int heads, int dim) {
  oracle::Tokens tokens;
  const auto* at = flat.data() + static_cast<int64_t>(begin) * heads * dim;
  for (int t = begin; t < end; ++t) {
    oracle::Matrix token;
    for (int h = 0; h < heads; ++h, at += dim) token.emplace_back(at, at + dim);
    tokens.push_back(token);
  }
  return tokens;
}

std::vector<double> Flatten(const oracle::Tokens& tokens) {
  std::vector<double> flat;
  for (const auto& token : tokens) {
    for (const auto& head : token) flat.insert(flat.end(), head.begin(), head.end());
  }
  return flat;
}

void CheckRows(const oracle::Matrix& got, const std::vector<std::vector<double>>& want,
               bool lower_only) {
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    for (size_t j = 0; j < (lower_only ? i + 1 : want.size()); ++j) {
      INFO("row " << i << " column " << j);
      REQUIRE(Passes(got[i][j], want[i][j], kPrinted));
    }
  }
}

void CheckPrefill(oracle::SketchWalk& subject, const golden::Case& c) {
  const golden::SketchConfig& g = c.config;
  for (int layer = 0; layer < g.layers; ++layer) {
    INFO("prefill layer " << layer);
    const golden::PrefillLayer& want = c.prefill[layer];
    const oracle::PrefillResult got =
        subject.Prefill(layer, TokensOf(c.q[layer], 0, g.prefill_tokens, g.heads, g.head_dim),
                        TokensOf(c.k[layer], 0, g.prefill_tokens, g.kv_heads, g.head_dim),
                        TokensOf(c.v[layer], 0, g.prefill_tokens, g.kv_heads, g.head_dim));
    CheckRows(got.scores, want.scores, false);
    CheckRows(got.walk, want.walk, true);
    REQUIRE(got.blocks.size() == want.blocks.size());
    for (size_t i = 0; i < want.blocks.size(); ++i) {
      INFO("query block " << i);
      CHECK(golden::SameChoice(got.blocks[i], want.blocks[i], want.min_log_margin));
    }
    const std::vector<double> out = Flatten(got.out);
    const std::vector<double> last(out.end() - static_cast<int64_t>(want.out_last_rows.size()),
                                   out.end());
    const Comparison rows = CompareRange(last, want.out_last_rows, {.absolute = kPrinted});
    INFO(rows.Describe());
    CHECK(rows.ok());
    double sum = 0;
    for (const double x : out) sum += x;
    CHECK(Passes(sum, want.out_sum, kPrinted));
  }
}

void CheckDecode(oracle::SketchWalk& subject, const golden::Case& c) {
  const golden::SketchConfig& g = c.config;
  for (int t = g.prefill_tokens; t < g.total_tokens; ++t) {
    for (int layer = 0; layer < g.layers; ++layer) {
      INFO("decode token " << t << " layer " << layer);
      const golden::DecodeLayer& want = c.decode[t - g.prefill_tokens][layer];
      const oracle::DecodeResult got =
          subject.Decode(layer, TokensOf(c.q[layer], t, t + 1, g.heads, g.head_dim).front(),
                         TokensOf(c.k[layer], t, t + 1, g.kv_heads, g.head_dim).front(),
                         TokensOf(c.v[layer], t, t + 1, g.kv_heads, g.head_dim).front());
      CHECK(golden::SameChoice(got.blocks, want.blocks, want.log_margin));
      const Comparison out = CompareRange(Flatten({got.out}), want.out, {.absolute = kPrinted});
      INFO(out.Describe());
      CHECK(out.ok());
    }
  }
}

TEST_CASE("golden SketchWalk vectors: the oracle, prefill and decode") {
  for (const golden::Case& c : golden::ReadSketchGolden()) {
    INFO(c.name);
    oracle::Transform transform;
    transform.signs.assign(c.config.signs.begin(), c.config.signs.end());
    transform.rows = c.config.rows;
    oracle::SketchWalk subject(OracleConfig(c.config), transform, c.config.layers);
    if (c.config.prefill_tokens > 0) CheckPrefill(subject, c);
    CheckDecode(subject, c);
    CHECK(subject.restarts() == 0);
  }
}

}  // namespace
}  // namespace sw
