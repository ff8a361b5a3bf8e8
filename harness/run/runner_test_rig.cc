#include "harness/run/runner_test_rig.h"

#include "core/attention/policy_factory.h"
#include "core/base/rng.h"
#include "core/testing/catch.h"

#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <set>

namespace sw::testing {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";
constexpr int kNeedleTokens = 7;

int32_t HighestOf(const std::vector<float>& logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// Pairs of one row of queries, counted token by token.
struct Pairs {
  int64_t kept = 0;
  int64_t causal = 0;
  std::optional<double> Share() const {
    if (causal == 0) return std::nullopt;
    return static_cast<double>(kept) / static_cast<double>(causal);
  }
};

// Query `query` over keys 0..query; `list` names the blocks of 16 that it may see, null for all.
void CountQuery(int query, const std::vector<int32_t>* list, Pairs& pairs) {
  for (int key = 0; key <= query; ++key) {
    ++pairs.causal;
    pairs.kept += list == nullptr || std::count(list->begin(), list->end(), key / 16) > 0;
  }
}

std::optional<double> HitsOf(const Sample& sample, const std::vector<int32_t>& list) {
  std::set<int> needle_blocks;
  for (const TokenRange& needle : sample.needles) {
    for (int t = needle.begin; t < needle.end; ++t) needle_blocks.insert(t / 16);
  }
  if (needle_blocks.empty()) return std::nullopt;
  int hits = 0;
  for (const int block : needle_blocks) hits += std::count(list.begin(), list.end(), block) > 0;
  return static_cast<double>(hits) / static_cast<double>(needle_blocks.size());
}

// The one list of (layer, row), or null where the layer is dense.
const std::vector<int32_t>* ListOf(const std::vector<HostSelection>& lists, int layer, int row) {
  if (lists.empty() || lists[static_cast<size_t>(layer)].rows.empty()) return nullptr;
  REQUIRE(lists[static_cast<size_t>(layer)].num_groups == 1);
  return &lists[static_cast<size_t>(layer)].rows.at(static_cast<size_t>(row));
}

}  // namespace

Encoding LetterTokenizer::Encode(std::string_view text) const {
  ++num_encodes;
  Encoding encoding;
  for (size_t i = 0; i < text.size(); ++i) {
    encoding.ids.push_back(IdOf(text.substr(i, 1)));
    encoding.offsets.push_back(static_cast<int32_t>(i));
  }
  return encoding;
}

std::string LetterTokenizer::Decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) text += kLetters.at(static_cast<size_t>(id));
  return text;
}

int32_t LetterTokenizer::IdOf(std::string_view piece) const {
  const size_t place = kLetters.find(piece);
  return static_cast<int32_t>(place == std::string_view::npos ? kLetters.size() - 1 : place);
}

LetterTask::LetterTask(std::string name, int length, int max_new_tokens,
                       const LetterTokenizer& tokenizer, LetterTaskHooks hooks)
    : name_(std::move(name)),
      length_(length),
      max_new_tokens_(max_new_tokens),
      tokenizer_(tokenizer),
      hooks_(std::move(hooks)) {}

Sample LetterTask::MakeSample(int index) const {
  hooks_.on_make(index);
  Rng rng(99, StreamOf(name_) + static_cast<uint64_t>(index));
  Sample sample;
  sample.index = index;
  const int tokens = length_ - max_new_tokens_ - 2 * index;
  for (int i = 0; i < tokens; ++i) sample.prompt += kLetters[rng.Below(kLetters.size())];
  sample.prompt_ids = tokenizer_.Encode(sample.prompt).ids;
  const int begin = static_cast<int>(rng.Below(static_cast<uint64_t>(tokens - kNeedleTokens)));
  sample.needles = {{begin, begin + kNeedleTokens}};
  sample.needle_depths = {static_cast<double>(begin) / tokens};
  sample.outputs = {hooks_.reference(index)};
  sample.forced_answer = hooks_.forced_answer(index);
  sample.haystack_units = 5 + index;
  return sample;
}

double LetterTask::Score(const Sample& sample, std::string_view answer) const {
  hooks_.on_score(sample.index, answer);
  return answer.find(sample.outputs.at(0)) != std::string_view::npos ? 1.0 : 0.0;
}

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "sw_run_XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}
TempDir::~TempDir() { std::filesystem::remove_all(path_); }

SparseConfig SmallBlocks(int top_blocks) {
  SparseConfig config;
  config.block_size = 16;
  config.top_blocks = top_blocks;
  config.skip_layers = 1;
  return config;
}

RunnerRig::RunnerRig(const ReferenceOptions& options)
    : backend(options), weights(17, TinyShape()), model(weights.weights(), backend) {
  SketchWalkConfig walk;
  walk.sparse = SmallBlocks(4);
  walk.sketch_dim = 8;
  experiment.name = "tiny";
  experiment.model = "tiny";
  experiment.task.names = {"letters"};
  experiment.task.lengths = {150};
  experiment.task.samples = 3;
  experiment.task.model_template = "base";
  experiment.arms = {{DenseConfig{}, "dense"}, {walk, "sketch_walk"}};
  experiment.measure = {.repeats = 0, .batch = 1, .warmup = 0};
}

std::unique_ptr<Task> RunnerRig::MakeTask(const std::string& name, int length) const {
  return std::make_unique<LetterTask>(name, length, max_new_tokens, tokenizer, hooks);
}

RunInputs RunnerRig::Inputs(const std::filesystem::path& out_dir) {
  RunInputs inputs;
  inputs.experiment = experiment;
  inputs.backend = &backend;
  inputs.model = &model;
  inputs.tokenizer = &tokenizer;
  inputs.default_template = "base";
  inputs.model_info = {.name = "tiny",
                       .path = "",
                       .weights_sha256 = "00",
                       .num_layers = 3,
                       .num_q_heads = 6,
                       .num_kv_heads = 2,
                       .head_dim = 8,
                       .context_len = 4096};
  inputs.environment.version = "test";
  inputs.environment.device = backend.device();
  inputs.out_dir = out_dir;
  inputs.quiet = true;
  inputs.table_out = nullptr;
  inputs.make_task = [this](const std::string& name, int length) { return MakeTask(name, length); };
  return inputs;
}

std::vector<Json> ReadLines(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::vector<Json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

Json ReadJson(const std::filesystem::path& path) {
  std::ifstream in(path);
  return Json::parse(in);
}

std::vector<Json> LinesOfArm(const std::vector<Json>& sample_lines, const std::string& arm) {
  std::vector<Json> found;
  for (const Json& line : sample_lines) {
    if (line.at("arm") == arm) found.push_back(line);
  }
  return found;
}

ByHand GenerateByHand(RunnerRig& rig, const PolicyConfig& policy_config, const Sample& sample) {
  const LlamaShape& shape = rig.model.shape();
  const auto policy =
      MakePolicy(policy_config, {shape.num_q_heads, shape.num_kv_heads, shape.head_dim},
                 shape.num_layers, rig.backend);
  const int prompt = static_cast<int>(sample.prompt_ids.size());
  const auto sequence = rig.model.NewSequence(*policy, prompt + rig.max_new_tokens, 1);
  AttentionTrace& trace = sequence->state->trace;
  trace.keep_lists = true;
  for (const TokenRange& n : sample.needles) trace.watched.push_back({n.begin, n.end});

  ByHand hand;
  hand.ids = {HighestOf(rig.model.Prefill(*sequence, sample.prompt_ids, 1))};
  Pairs prefill, prefill_sparse, decode, decode_sparse;
  const int last_row = (prompt - 1) / 16;
  for (int layer = 0; layer < shape.num_layers; ++layer) {
    for (int query = 0; query < prompt; ++query) {
      const auto* list = ListOf(trace.prefill_lists, layer, query / 16);
      CountQuery(query, list, prefill);
      if (list != nullptr) CountQuery(query, list, prefill_sparse);
    }
    const auto* list = ListOf(trace.prefill_lists, layer, last_row);
    hand.prefill_hits.push_back(list != nullptr ? HitsOf(sample, *list) : std::nullopt);
  }
  const auto stops = rig.tokenizer.stop_ids();
  const auto is_stop = [&](int32_t id) {
    return std::find(stops.begin(), stops.end(), id) != stops.end();
  };
  while (!is_stop(hand.ids.back()) && static_cast<int>(hand.ids.size()) < rig.max_new_tokens) {
    Sequence* one = sequence.get();
    const int32_t fed = hand.ids.back();
    hand.ids.push_back(HighestOf(rig.model.DecodeStep({&one, 1}, {&fed, 1})));
    auto& hits = hand.step_hits.emplace_back();
    for (int layer = 0; layer < shape.num_layers; ++layer) {
      const auto* list = ListOf(trace.last_decode_lists, layer, 0);
      CountQuery(sequence->len - 1, list, decode);
      if (list != nullptr) CountQuery(sequence->len - 1, list, decode_sparse);
      hits.push_back(list != nullptr ? HitsOf(sample, *list) : std::nullopt);
    }
  }
  if (is_stop(hand.ids.back())) hand.ids.pop_back();
  hand.answer = rig.tokenizer.Decode(hand.ids);
  hand.prefill_density = prefill.Share().value();
  hand.decode_density = decode.Share().value_or(-1);
  hand.prefill_density_sparse = prefill_sparse.Share();
  hand.decode_density_sparse = decode_sparse.Share();
  return hand;
}

}  // namespace sw::testing
