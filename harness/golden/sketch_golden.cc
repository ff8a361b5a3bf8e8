#include "harness/golden/sketch_golden.h"

#include <fmt/format.h>

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/base/check.h"

namespace sw::golden {
namespace {

using Json = nlohmann::json;

// Reads a choice between two words; anything else is an error rather than a silent default.
bool IsSecond(const Json& config, const char* key, const char* first, const char* second) {
  const std::string word = config.value(key, std::string(first));
  if (word != first && word != second)
    FailUser("{}: '{}', expected {} or {}", key, word, first, second);
  return word == second;
}

SketchConfig ReadConfig(const Json& json) {
  SketchConfig c;
  c.layers = json.at("layers");
  c.heads = json.at("heads");
  c.kv_heads = json.at("kv_heads");
  c.head_dim = json.at("head_dim");
  c.prefill_tokens = json.at("prefill_tokens");
  c.total_tokens = json.at("total_tokens");
  c.block_size = json.value("block_size", c.block_size);
  c.sketch_dim = json.value("sketch_dim", c.sketch_dim);
  c.sparsity_exponent = json.value("sparsity_exponent", c.sparsity_exponent);
  c.top_blocks = json.value("top_blocks", c.top_blocks);
  c.density = json.value("density", c.density);
  c.skip_layers = json.value("skip_layers", c.skip_layers);
  c.sink_blocks = json.value("sink_blocks", c.sink_blocks);
  c.local_blocks = json.value("local_blocks", c.local_blocks);
  c.dense_tail_blocks = json.value("dense_tail_blocks", c.dense_tail_blocks);
  c.sqrt_d = IsSecond(json, "score_scale", "sqrt_r", "sqrt_d");
  c.causal = IsSecond(json, "normaliser", "all", "causal");
  c.from_layer0 = IsSecond(json, "walk_from", "first_sparse", "layer0");
  c.mean_finished = IsSecond(json, "finished_row", "last", "mean");
  if (json.contains("sketch")) {
    c.signs = json.at("sketch").at("signs").get<std::vector<int>>();
    c.rows = json.at("sketch").at("rows").get<std::vector<int>>();
  } else {
    if (!std::has_single_bit(static_cast<unsigned>(c.head_dim)) || c.sketch_dim != c.head_dim) {
      FailUser("a case without `sketch` needs sketch_dim = head_dim = a power of two");
    }
    c.signs.assign(static_cast<size_t>(c.head_dim), 1);
    c.rows.resize(static_cast<size_t>(c.head_dim));
    std::iota(c.rows.begin(), c.rows.end(), 0);
  }
  return c;
}

std::vector<double> Flat(const Json& json) {
  if (!json.is_array()) return {json.is_null() ? std::nan("") : json.get<double>()};
  std::vector<double> all;
  for (const Json& part : json) {
    const std::vector<double> numbers = Flat(part);
    all.insert(all.end(), numbers.begin(), numbers.end());
  }
  return all;
}

std::vector<std::vector<double>> FlatEach(const Json& json) {
  std::vector<std::vector<double>> parts;
  for (const Json& part : json) parts.push_back(Flat(part));
  return parts;
}

double Margin(const Json& json) { return json.is_null() ? kNoMargin : json.get<double>(); }

PrefillLayer ReadPrefill(const Json& json) {
  PrefillLayer layer;
  layer.scores = FlatEach(json.at("scores"));
  if (!json.at("walk").is_null()) layer.walk = FlatEach(json.at("walk"));
  layer.blocks = json.at("blocks").get<std::vector<std::vector<int32_t>>>();
  layer.min_log_margin = Margin(json.at("min_log_margin"));
  layer.out_last_rows = Flat(json.at("out_last_rows"));
  layer.out_sum = json.at("out_sum");
  return layer;
}

DecodeLayer ReadDecode(const Json& json) {
  return {json.at("blocks").get<std::vector<int32_t>>(), Margin(json.at("log_margin")),
          Flat(json.at("out"))};
}

std::string Describe(size_t index, const SketchConfig& c) {
  std::string name =
      fmt::format("case {}: layers {} B {} d {} r {} s {} keep {} skip {} prompt {}", index,
                  c.layers, c.block_size, c.head_dim, c.sketch_dim, c.sparsity_exponent,
                  c.density > 0 ? c.density : c.top_blocks, c.skip_layers, c.prefill_tokens);
  if (c.causal) name += " causal";
  if (c.sqrt_d) name += " sqrt_d";
  if (c.from_layer0) name += " layer0";
  if (c.mean_finished) name += " mean";
  return name;
}

Case ReadCase(const Json& json, size_t index) {
  Case c;
  c.config = ReadConfig(json.at("config"));
  c.name = Describe(index, c.config);
  c.q = FlatEach(json.at("q"));
  c.k = FlatEach(json.at("k"));
  c.v = FlatEach(json.at("v"));
  for (const Json& layer : json.at("expect").at("prefill")) c.prefill.push_back(ReadPrefill(layer));
  for (const Json& step : json.at("expect").at("decode")) {
    c.decode.emplace_back();
    for (const Json& layer : step) c.decode.back().push_back(ReadDecode(layer));
  }
  const auto layers = static_cast<size_t>(c.config.layers);
  const auto steps = static_cast<size_t>(c.config.total_tokens - c.config.prefill_tokens);
  if (c.q.size() != layers || c.k.size() != layers || c.v.size() != layers ||
      c.decode.size() != steps || (c.config.prefill_tokens > 0 && c.prefill.size() != layers)) {
    FailUser("{}: layers or decode steps are missing", c.name);
  }
  return c;
}

}  // namespace

std::vector<Case> ReadSketchGolden() {
  const char* folder = std::getenv("SW_GOLDEN_DIR");
  const std::filesystem::path path =
      (folder != nullptr ? std::filesystem::path(folder)
                         : std::filesystem::path(SW_SOURCE_DIR) / "harness/testdata/golden") /
      "sketch_walk.json";
  std::ifstream file(path);
  if (!file) FailUser("{}: cannot be opened; set SW_GOLDEN_DIR to the golden files", path.string());
  std::vector<Case> cases;
  try {
    const Json json = Json::parse(file);
    for (const Json& entry : json.at("cases")) cases.push_back(ReadCase(entry, cases.size()));
  } catch (const Json::exception& error) {
    FailUser("{}: case {}: {}", path.string(), cases.size(), error.what());
  }
  if (cases.empty()) FailUser("{}: no cases", path.string());
  return cases;
}

bool SameChoice(const std::vector<int32_t>& got, const std::vector<int32_t>& want, double margin) {
  if (got == want) return true;
  return margin < kTieMargin && got.size() == want.size() &&
         std::lexicographical_compare(want.begin(), want.end(), got.begin(), got.end());
}

}  // namespace sw::golden
