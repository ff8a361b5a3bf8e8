// A run's records against the same work done by hand.
#include "harness/run/runner.h"

#include "harness/run/runner_test_rig.h"
#include "harness/run/sample_run.h"

#include "core/testing/catch.h"

#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace sw {
namespace {

using testing::ByHand;
using testing::GenerateByHand;
using testing::LinesOfArm;
using testing::ReadLines;
using testing::RunnerRig;
using testing::TempDir;

// JSON rounds shares to twelve decimals.
bool Same(const Json& json, std::optional<double> value) {
  if (!value) return json.is_null();
  return json.is_number() && std::abs(json.get<double>() - *value) < 1e-9;
}

std::optional<double> MeanOf(const std::vector<std::optional<double>>& values) {
  double sum = 0;
  int count = 0;
  for (const auto& value : values) {
    if (!value) continue;
    sum += *value;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

// Per layer, mean over the first `steps` steps.
std::vector<std::optional<double>> MeanSteps(const ByHand& hand, size_t steps) {
  std::vector<std::optional<double>> means;
  for (size_t layer = 0; layer < 3; ++layer) {
    std::vector<std::optional<double>> values;
    for (size_t s = 0; s < std::min(steps, hand.step_hits.size()); ++s) {
      values.push_back(hand.step_hits[s][layer]);
    }
    means.push_back(MeanOf(values));
  }
  return means;
}

TEST_CASE("generated answers, densities and hit rates are those counted by hand") {
  RunnerRig rig;
  LocalSinkConfig sink;
  sink.sparse = testing::SmallBlocks(3);
  OracleConfig oracle;
  oracle.sparse = testing::SmallBlocks(16);
  oracle.sparse.top_blocks.reset();
  oracle.sparse.density = 0.3;
  rig.experiment.arms.push_back({sink, "local_sink"});
  rig.experiment.arms.push_back({oracle, "oracle"});
  // The dense arm's own letters 4 to 6 are the reference of even samples; odd ones stay wrong.
  std::map<int, std::string> references;
  for (int i = 0; i < 3; ++i) {
    const Sample sample = rig.MakeTask("letters", 150)->MakeSample(i);
    const ByHand dense = GenerateByHand(rig, DenseConfig{}, sample);
    references[i] = i % 2 == 0 ? dense.answer.substr(4, 3) : "no such answer";
  }
  rig.hooks.reference = [&](int index) { return references.at(index); };
  const TempDir dir;
  REQUIRE(RunExperiment(rig.Inputs(dir.path())) == 0);
  const std::vector<Json> records = ReadLines(dir.path() / "records.jsonl");
  const std::vector<Json> samples = ReadLines(dir.path() / "samples.jsonl");
  REQUIRE(records.size() == 4);
  REQUIRE(samples.size() == 12);

  for (size_t a = 0; a < 4; ++a) {
    const ArmConfig& arm = rig.experiment.arms[a];
    const Json& record = records[a];
    INFO(arm.label);
    CHECK(record.at("arm").at("label") == arm.label);
    CHECK(record.at("status") == "ok");
    std::vector<std::optional<double>> prefill, prefill_sparse, decode, decode_sparse;
    std::vector<std::vector<std::optional<double>>> prefill_hits(3), decode_hits(3);
    double right = 0;
    for (int i = 0; i < 3; ++i) {
      INFO("sample " << i);
      const Json& line = samples[static_cast<size_t>(i) * 4 + a];  // arms take turns
      const Sample sample = rig.MakeTask("letters", 150)->MakeSample(i);
      const ByHand hand = GenerateByHand(rig, arm.policy, sample);
      const bool is_right = hand.answer.find(references[i]) != std::string::npos;
      right += is_right;
      CHECK(line.at("arm") == arm.label);
      CHECK(line.at("index") == i);
      CHECK(line.at("answer") == hand.answer);
      CHECK(line.at("answer_tokens") == hand.ids.size());
      CHECK(line.at("score") == (is_right ? 1.0 : 0.0));
      CHECK(line.at("prompt_tokens") == 138 - 2 * i);
      CHECK(line.at("haystack_units") == 5 + i);
      CHECK(line.at("ids_sha256") == IdsFingerprint(sample.prompt_ids));
      CHECK(line.at("step_s").size() == hand.step_hits.size());
      CHECK(line.at("ttft_s").get<double>() > 0);
      CHECK(Same(line.at("density").at("prefill"), hand.prefill_density));
      CHECK(Same(line.at("density").at("prefill_sparse_layers"), hand.prefill_density_sparse));
      CHECK(Same(line.at("density").at("decode"), hand.decode_density));
      CHECK(Same(line.at("density").at("decode_sparse_layers"), hand.decode_density_sparse));
      // A right answer was complete with letter `end`; the first letter needed no decode step.
      const size_t end = is_right ? hand.answer.find(references[i]) + 3 : hand.ids.size();
      const auto steps = MeanSteps(hand, end - 1);
      for (size_t layer = 0; layer < 3; ++layer) {
        CHECK(Same(line.at("hit_rate").at("prefill_by_layer").at(layer), hand.prefill_hits[layer]));
        CHECK(Same(line.at("hit_rate").at("decode_by_layer").at(layer), steps[layer]));
        prefill_hits[layer].push_back(hand.prefill_hits[layer]);
        decode_hits[layer].push_back(steps[layer]);
      }
      prefill.push_back(hand.prefill_density);
      prefill_sparse.push_back(hand.prefill_density_sparse);
      decode.push_back(hand.decode_density);
      decode_sparse.push_back(hand.decode_density_sparse);
    }
    const Json& measured = record.at("density").at("measured");
    CHECK(Same(measured.at("prefill"), MeanOf(prefill)));
    CHECK(Same(measured.at("prefill_sparse_layers"), MeanOf(prefill_sparse)));
    CHECK(Same(measured.at("decode"), MeanOf(decode)));
    CHECK(Same(measured.at("decode_sparse_layers"), MeanOf(decode_sparse)));
    std::vector<std::optional<double>> over_layers;
    for (size_t layer = 0; layer < 3; ++layer) {
      over_layers.push_back(MeanOf(prefill_hits[layer]));
      CHECK(Same(record.at("hit_rate").at("prefill_by_layer").at(layer), over_layers.back()));
      CHECK(
          Same(record.at("hit_rate").at("decode_by_layer").at(layer), MeanOf(decode_hits[layer])));
    }
    CHECK(Same(record.at("hit_rate").at("prefill"), MeanOf(over_layers)));
    CHECK(record.at("n") == 3);
    CHECK(Same(record.at("accuracy").at("percent"), 100 * right / 3));
    CHECK(record.at("accuracy").at("method") == "wilson");
    CHECK(Same(record.at("accuracy").at("minus_dense"), 100 * (right - 2) / 3));
  }
  CHECK(Same(records[0].at("accuracy").at("percent"), 200.0 / 3));  // dense: samples 0 and 2
  CHECK(records[0].at("tau").at("last_row").is_null());
  CHECK(records[0].at("density").at("measured").at("prefill") == 1.0);
  CHECK(records[1].at("tau").at("asked") == 4);
  CHECK(records[1].at("tau").at("last_row").at("mean") == 4.0);
  CHECK(records[3].at("tau").at("asked").is_null());
  CHECK(records[3].at("density").at("asked") == 0.3);
  CHECK(records[3].at("tau").at("last_row").at("max") == 3.0);  // ceil(0.3 * 9)
}

TEST_CASE("memory, times and description of a record") {
  RunnerRig rig;
  const TempDir dir;
  REQUIRE(RunExperiment(rig.Inputs(dir.path())) == 0);
  const std::vector<Json> records = ReadLines(dir.path() / "records.jsonl");
  const std::vector<Json> samples = ReadLines(dir.path() / "samples.jsonl");
  for (const Json& record : records) {
    // K and V, 3 layers, 2 KV heads, 150 tokens of room for sample 0, 8 floats.
    CHECK(record.at("memory").at("by_part").at("kv_cache") == 2 * 3 * 2 * 150 * 8 * 4);
    CHECK(record.at("memory").at("peak_bytes").get<int64_t>() > 57600);
    CHECK(record.at("memory").at("resident_peak_bytes").get<int64_t>() > (1 << 20));
    const Json& time = record.at("time");
    CHECK(time.at("ttft").at("samples_s").size() == 3);
    CHECK(time.at("tpot").at("samples_s").size() == 3 * 11);
    CHECK(time.at("decode_attention").at("samples_s").size() == 3 * 11);
    CHECK(time.at("prefill_attention").at("median_s") < time.at("ttft").at("median_s"));
    CHECK(time.at("decode_attention").at("median_s") < time.at("tpot").at("median_s"));
    CHECK(time.at("stages_s").at("prefill").at("mlp").get<double>() > 0);
    CHECK(time.at("stages_s").at("decode").at("attend").get<double>() > 0);
    CHECK(record.at("departures") == Json::array({"letters instead of RULER"}));
    CHECK(record.at("template") == "base");
    CHECK(record.at("baseline") == rig.backend.device().dense_attention);
    CHECK(record.at("task").at("config").at("lengths") == Json::array({150}));
    CHECK(record.at("samples_sha256") == records[0].at("samples_sha256"));
  }
  CHECK(records[0].at("time").at("ttft").at("speedup_vs_dense") == 1.0);
  const double dense = records[0].at("time").at("ttft").at("median_s");
  const double sparse = records[1].at("time").at("ttft").at("median_s");
  const double ratio = records[1].at("time").at("ttft").at("speedup_vs_dense");
  CHECK(std::abs(ratio - dense / sparse) < 1e-3 * ratio);  // medians are rounded to nanoseconds
  CHECK(records[1].at("time").at("stages_s").at("prefill").at("walk").get<double>() > 0);
  CHECK_FALSE(records[0].at("time").at("stages_s").at("prefill").contains("walk"));
}

TEST_CASE("records come in the order scoring, task, length, arm, and samples are made once") {
  RunnerRig rig;
  rig.experiment.scoring = {Scoring::kForced, Scoring::kGenerate};
  rig.experiment.task.names = {"b", "a"};
  rig.experiment.task.lengths = {90, 60};
  rig.experiment.task.samples = 2;
  int made = 0;
  rig.hooks.on_make = [&](int) { ++made; };
  const TempDir dir;
  REQUIRE(RunExperiment(rig.Inputs(dir.path())) == 0);
  CHECK(made == 2 * 2 * 2);
  const std::vector<Json> records = ReadLines(dir.path() / "records.jsonl");
  REQUIRE(records.size() == 16);
  size_t at = 0;
  for (const char* scoring : {"forced", "generate"}) {
    for (const char* task : {"b", "a"}) {
      for (const int length : {90, 60}) {
        for (const char* arm : {"dense", "sketch_walk"}) {
          const Json& record = records[at++];
          CHECK(record.at("scoring") == scoring);
          CHECK(record.at("task").at("name") == task);
          CHECK(record.at("task").at("length") == length);
          CHECK(record.at("arm").at("label") == arm);
        }
      }
    }
  }
  const Json summary = testing::ReadJson(dir.path() / "summary.json");
  CHECK(summary.at("status") == "complete");
  CHECK(summary.at("records").size() == 16);
  CHECK(summary.at("not_run").empty());
}

TEST_CASE("forced scoring is right exactly when every token is the argmax") {
  RunnerRig rig;
  rig.experiment.arms.resize(1);
  rig.experiment.scoring = {Scoring::kForced};
  std::map<int, std::string> greedy;
  for (int i = 0; i < 3; ++i) {
    const Sample sample = rig.MakeTask("letters", 150)->MakeSample(i);
    greedy[i] = GenerateByHand(rig, DenseConfig{}, sample).answer.substr(0, 5);
  }
  rig.hooks.forced_answer = [&](int index) {
    std::string answer = greedy.at(index);
    if (index == 1) answer.back() = answer.back() == 'Q' ? 'R' : 'Q';  // one wrong letter, the last
    return answer;
  };
  const TempDir dir;
  REQUIRE(RunExperiment(rig.Inputs(dir.path())) == 0);
  const std::vector<Json> samples = ReadLines(dir.path() / "samples.jsonl");
  REQUIRE(samples.size() == 3);
  for (int i = 0; i < 3; ++i) {
    const Json& line = samples[static_cast<size_t>(i)];
    CHECK(line.at("score") == (i == 1 ? 0.0 : 1.0));
    CHECK(line.at("answer") == greedy[i]);  // the argmax text, not the forced one
    CHECK(line.at("answer_tokens") == 5);
    CHECK(line.at("step_s").empty());
    CHECK(line.at("density").at("decode").is_null());
  }
  const Json record = ReadLines(dir.path() / "records.jsonl").at(0);
  CHECK(Same(record.at("accuracy").at("percent"), 200.0 / 3));
  CHECK(record.at("time").at("tpot").at("median_s").is_null());
  CHECK(record.at("density").at("measured").at("decode").is_null());
}

TEST_CASE("a batch of three answers as one by one, stopping where each stops") {
  RunnerRig rig;
  rig.experiment.task.samples = 5;  // a batch of three and one of two
  // A letter that some answers hold early stops them.
  const Sample second = rig.MakeTask("letters", 150)->MakeSample(1);
  rig.tokenizer.stops = {GenerateByHand(rig, DenseConfig{}, second).ids.at(3)};
  const TempDir single, batched;
  REQUIRE(RunExperiment(rig.Inputs(single.path())) == 0);
  rig.experiment.measure.batch = 3;
  REQUIRE(RunExperiment(rig.Inputs(batched.path())) == 0);
  std::set<int> lengths;
  for (const char* arm : {"dense", "sketch_walk"}) {
    const auto one = LinesOfArm(ReadLines(single.path() / "samples.jsonl"), arm);
    const auto three = LinesOfArm(ReadLines(batched.path() / "samples.jsonl"), arm);
    REQUIRE(one.size() == 5);
    REQUIRE(three.size() == 5);
    for (size_t i = 0; i < 5; ++i) {
      CHECK(three[i].at("index") == i);
      CHECK(three[i].at("answer") == one[i].at("answer"));
      CHECK(three[i].at("density") == one[i].at("density"));
      CHECK(three[i].at("hit_rate") == one[i].at("hit_rate"));
      CHECK(three[i].at("step_s").size() == one[i].at("step_s").size());
      lengths.insert(one[i].at("answer_tokens").get<int>());
    }
    if (arm == std::string("dense")) CHECK(one[1].at("answer_tokens") <= 3);
  }
  CHECK(lengths.size() > 1);  // or nothing left a batch early
  // The record counts each step of a batch once.
  const Json record = ReadLines(batched.path() / "records.jsonl").at(0);
  const auto dense = LinesOfArm(ReadLines(batched.path() / "samples.jsonl"), "dense");
  size_t steps = 0;
  for (const auto& [begin, end] : {std::pair<size_t, size_t>{0, 3}, {3, 5}}) {
    size_t longest = 0;
    for (size_t i = begin; i < end; ++i) longest = std::max(longest, dense[i].at("step_s").size());
    steps += longest;
  }
  CHECK(record.at("time").at("tpot").at("samples_s").size() == steps);
}

TEST_CASE("the table at the end has a row per record") {
  RunnerRig rig;
  const TempDir dir;
  std::ostringstream table;
  RunInputs inputs = rig.Inputs(dir.path());
  inputs.table_out = &table;
  REQUIRE(RunExperiment(inputs) == 0);
  CHECK_THAT(table.str(), testing::HasText("TTFT s") && testing::HasText("dense") &&
                              testing::HasText("sketch_walk"));
}

TEST_CASE("only the asked samples are timed, and a limit is a limit") {
  RunnerRig rig;
  rig.experiment.measure.repeats = 2;
  rig.experiment.measure.warmup = 1;
  rig.experiment.task.samples = 9;
  const TempDir dir;
  RunInputs inputs = rig.Inputs(dir.path());
  inputs.limit = 3;
  REQUIRE(RunExperiment(inputs) == 0);
  const auto dense = LinesOfArm(ReadLines(dir.path() / "samples.jsonl"), "dense");
  REQUIRE(dense.size() == 3);
  CHECK(dense[0].at("timed") == true);
  CHECK(dense[1].at("timed") == true);
  CHECK(dense[2].at("timed") == false);
  CHECK(dense[2].at("ttft_s").is_null());
  CHECK(dense[2].at("step_s").empty());
  CHECK_FALSE(dense[2].at("answer").get<std::string>().empty());
  const Json record = ReadLines(dir.path() / "records.jsonl").at(0);
  CHECK(record.at("n") == 3);
  CHECK(record.at("timed") == 2);
  CHECK(record.at("time").at("ttft").at("samples_s").size() == 2);
  CHECK(record.at("task").at("config").at("samples") == 3);
  CHECK(testing::ReadJson(dir.path() / "summary.json").at("limit") == 3);
}

}  // namespace
}  // namespace sw
