#include "harness/report/record_json.h"

#include "core/testing/catch.h"

#include <cmath>
#include <limits>
#include <set>
#include <string>

namespace sw {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("numbers that are not finite and absent values become null") {
  CHECK(ToJson(kNan).is_null());
  CHECK(ToJson(-kInf).is_null());
  CHECK(ToJson(std::optional<double>()).is_null());
  CHECK(ToJson(std::optional<double>(0.25)) == 0.25);
  CHECK(DumpLine(ToJson(std::vector<double>{1.0, kInf, 0.1})) == "[1.0,null,0.1]");
}

TEST_CASE("an arm's config holds every field under its YAML name") {
  RunRecord r;
  SketchWalkConfig config;
  config.sparse.density = 0.2;
  config.normaliser = Normaliser::kCausal;
  r.point = {"niah", 64, Scoring::kForced, {config, "sketch_walk density=0.2"}};
  const Json json = RecordJson(r, {}, {}).at("arm");
  CHECK(json.at("label") == "sketch_walk density=0.2");
  CHECK(json.at("policy") == "sketch_walk");
  const Json& fields = json.at("config");
  CHECK(fields.at("density") == 0.2);
  CHECK(fields.at("top_blocks").is_null());
  CHECK(fields.at("normaliser") == "causal");
  CHECK(fields.at("prefill") == "sparse");
  size_t expected = 0;
  VisitFields([&](const char*, const auto&) { ++expected; }, config);
  CHECK(fields.size() == expected);
  CHECK(RecordJson(RunRecord{}, {}, {}).at("arm").at("config") == Json::object());  // dense
}

TEST_CASE("a task's config nests and keeps optional fields") {
  RunRecord r;
  r.task.max_new_tokens = 32;
  r.task.niah.num_keys = 4;
  const Json config = RecordJson(r, {}, {}).at("task").at("config");
  CHECK(config.at("max_new_tokens") == 32);
  CHECK(config.at("niah").at("num_keys") == 4);
  CHECK(config.at("niah").at("haystack") == "noise");
  CHECK(config.at("template") == "auto");
  CHECK(config.at("names") == Json::array({"niah_single_1"}));
}

TEST_CASE("a record that knows nothing claims nothing") {
  const Json json = RecordJson(RunRecord{}, {}, {});
  CHECK(json.at("status") == "failed");
  CHECK(json.at("accuracy").at("percent").is_null());
  CHECK(json.at("accuracy").at("method").is_null());
  CHECK(json.at("accuracy").at("minus_dense").is_null());
  CHECK(json.at("tau").at("last_row").is_null());
  CHECK(json.at("density").at("measured").at("prefill").is_null());
  CHECK(json.at("time").at("ttft").at("median_s").is_null());
  CHECK(json.at("time").at("ttft").at("samples_s").empty());
  CHECK(json.at("memory").at("resident_peak_bytes").is_null());
}

TEST_CASE("every measured number reaches its field") {
  RunRecord r;
  r.status = RunStatus::kInterrupted;
  r.n = 4;
  r.accuracy_percent = Interval{75.0, 30.1, 95.4};
  r.interval_method = "wilson";
  r.accuracy_minus_dense = -25.0;
  r.only_dense_right = 1;
  r.only_this_right = 0;
  r.mcnemar_p = 1.0;
  r.ttft = {{0.5, kNan}, 0.5, 1.25};
  r.top_blocks_asked = 16;
  r.top_blocks_last_row = Interval{12.5, 12, 13};
  r.decode_density = 0.3;
  r.prefill_hit_rate = {std::nullopt, 0.5};
  r.prefill_hit_rate_mean = 0.5;
  r.prefill_stages_s = {{"attend", 0.25}};
  r.peak_bytes_by_part = {{"kv_cache", 4096}};
  r.peak_bytes = 5000;
  r.walk_restarts = 3;
  const Json json = Json::parse(DumpLine(RecordJson(r, {}, {})));
  CHECK(json.at("status") == "interrupted");
  CHECK(json.at("accuracy").at("low") == 30.1);
  CHECK(json.at("accuracy").at("minus_dense") == -25.0);
  CHECK(json.at("accuracy").at("only_dense_right") == 1);
  CHECK(json.at("time").at("ttft").at("samples_s") == Json::array({0.5, nullptr}));
  CHECK(json.at("time").at("ttft").at("speedup_vs_dense") == 1.25);
  CHECK(json.at("time").at("stages_s").at("prefill").at("attend") == 0.25);
  CHECK(json.at("tau").at("asked") == 16);
  CHECK(json.at("tau").at("last_row") == Json({{"mean", 12.5}, {"min", 12.0}, {"max", 13.0}}));
  CHECK(json.at("density").at("measured").at("decode") == 0.3);
  CHECK(json.at("hit_rate").at("prefill_by_layer") == Json::array({nullptr, 0.5}));
  CHECK(json.at("memory").at("by_part").at("kv_cache") == 4096);
  CHECK(json.at("walk_restarts") == 3);
}

TEST_CASE("an answer cut inside a letter is written, not thrown at") {
  SampleRecord s;
  s.answer = "caf\xC3";
  s.outputs = {"a\nb"};
  const std::string line = DumpLine(SampleJson(s, {"niah", 64, Scoring::kGenerate, {{}, "dense"}}));
  CHECK(line.find('\n') == std::string::npos);
  CHECK(Json::parse(line).at("answer") == "caf\xEF\xBF\xBD");
  CHECK(Json::parse(line).at("outputs").at(0) == "a\nb");
}

TEST_CASE("an untimed sample has no times") {
  SampleRecord s;
  s.ttft_s = 1.0;
  CHECK(SampleJson(s, {}).at("ttft_s").is_null());
  s.timed = true;
  CHECK(SampleJson(s, {}).at("ttft_s") == 1.0);
  CHECK(SampleJson(s, {}).at("decode_attention_s").is_null());  // no decode step
}

TEST_CASE("every status has a name of its own") {
  std::set<std::string_view> names;
  for (const RunStatus status : {RunStatus::kOk, RunStatus::kOutOfMemory, RunStatus::kMissingData,
                                 RunStatus::kFailed, RunStatus::kInterrupted}) {
    names.insert(NameOf(status));
  }
  CHECK(names.size() == 5);
}

}  // namespace
}  // namespace sw
