#include "harness/config_io.h"

#include "core/base/check.h"
#include "core/testing/catch.h"

namespace sw {
namespace {

using testing::HasText;
using testing::MessageOf;

Experiment Parse(const std::string& text, const std::vector<std::string>& sets = {}) {
  return ParseExperiment(text, "configs/x.yaml", sets);
}

std::string ErrorOf(const std::string& text, const std::vector<std::string>& sets = {}) {
  return MessageOf<UserError>([&] { Parse(text, sets); });
}

constexpr const char* kHead = "model: m\narms: [dense]\n";

TEST_CASE("A full config is read into every struct") {
  const Experiment e = Parse(R"(model: smollm2-135m
backend: reference
task:
  names: [niah_single_1, niah]
  lengths: [1024, 2048]
  samples: 7
  seed: 18446744073709551615
  template: chatml
  max_new_tokens: 32
  niah: {haystack: needle, key: uuids, num_keys: 3}
  words: /somewhere
scoring: [forced, generate]
arms:
  - dense
  - sketch_walk: {block_size: 32, density: 0.25, normaliser: causal, walk_from: layer0,
                  sparsity_exponent: 2.5, decode: dense, sketch_seed: 9}
  - oracle: {share: head, aggregate: max, top_blocks: 5}
measure: {repeats: 2, batch: 4, warmup: 0}
)");
  CHECK(e.name == "x");
  CHECK(e.model == "smollm2-135m");
  CHECK(e.backend == BackendKind::kReference);
  CHECK(e.task.names == std::vector<std::string>{"niah_single_1", "niah"});
  CHECK(e.task.lengths == std::vector<int>{1024, 2048});
  CHECK(e.task.samples == 7);
  CHECK(e.task.seed == UINT64_MAX);
  CHECK(e.task.model_template == "chatml");
  CHECK(e.task.max_new_tokens == 32);
  CHECK(e.task.niah.haystack == NiahHaystack::kNeedle);
  CHECK(e.task.niah.key == NiahContent::kUuids);
  CHECK(e.task.niah.value == NiahContent::kNumbers);
  CHECK(e.task.niah.num_keys == 3);
  CHECK(e.task.words == "/somewhere");
  CHECK(e.scoring == std::vector<Scoring>{Scoring::kForced, Scoring::kGenerate});
  CHECK(e.measure.repeats == 2);
  CHECK(e.measure.batch == 4);
  CHECK(e.measure.warmup == 0);
  REQUIRE(e.arms.size() == 3);
  const auto& walk = std::get<SketchWalkConfig>(e.arms[1].policy);
  CHECK(walk.sparse.block_size == 32);
  CHECK(walk.sparse.density == 0.25);
  CHECK_FALSE(walk.sparse.top_blocks);
  CHECK(walk.sparse.decode == PhaseMode::kDense);
  CHECK(walk.sparse.prefill == PhaseMode::kSparse);
  CHECK(walk.normaliser == Normaliser::kCausal);
  CHECK(walk.walk_from == WalkFrom::kLayer0);
  CHECK(walk.sparsity_exponent == 2.5);
  CHECK(walk.sketch_seed == 9);
  const auto& oracle = std::get<OracleConfig>(e.arms[2].policy);
  CHECK(oracle.share == Share::kHead);
  CHECK(oracle.aggregate == Aggregate::kMax);
  CHECK(oracle.sparse.top_blocks == 5);
}

TEST_CASE("What is not given keeps its default") {
  const Experiment e = Parse(kHead);
  CHECK(e.backend == BackendKind::kAuto);
  CHECK(e.task.names == std::vector<std::string>{"niah_single_1"});
  CHECK(e.scoring == std::vector<Scoring>{Scoring::kGenerate});
  CHECK(Parse("model: m\ntask:\nmeasure:\narms: [{sketch_walk: }]\n").arms.size() == 2);
}

TEST_CASE("One value stands for a list of one") {
  const Experiment e =
      Parse("model: m\narms: [dense]\nscoring: forced\ntask: {names: niah, lengths: 512}\n");
  CHECK(e.scoring == std::vector<Scoring>{Scoring::kForced});
  CHECK(e.task.names == std::vector<std::string>{"niah"});
  CHECK(e.task.lengths == std::vector<int>{512});
}

TEST_CASE("A config without dense gets it in front, with a note") {
  std::vector<std::string> notes;
  const Experiment e = ParseExperiment("model: m\narms: [random]\n", "x.yaml", {}, &notes);
  REQUIRE(e.arms.size() == 2);
  CHECK(e.arms[0].label == "dense");
  CHECK(std::holds_alternative<DenseConfig>(e.arms[0].policy));
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], HasText("dense"));
  notes.clear();
  CHECK(ParseExperiment(kHead, "x.yaml", {}, &notes).arms.size() == 1);
  CHECK(notes.empty());
}

TEST_CASE("Unknown keys point at their line and name the nearest") {
  const std::string arm = ErrorOf(
      "model: m\n\narms:\n  - dense\n  - sketch_walk: {block_size: 32,\n                  "
      "top_block: "
      "3}\n");
  CHECK_THAT(arm, HasText("configs/x.yaml:6:19: unknown key 'top_block' in arm sketch_walk; "
                          "did you mean top_blocks?"));
  CHECK_THAT(ErrorOf("model: m\narms: [dense]\ntask:\n  sampels: 3\n"),
             HasText("configs/x.yaml:4:3: unknown key 'sampels' in task; did you mean samples?"));
  CHECK_THAT(ErrorOf("model: m\narms: [dense]\nmeasures: {}\n"),
             HasText("configs/x.yaml:3:1: unknown key 'measures' in the config; did you mean "
                     "measure?"));
  CHECK_THAT(ErrorOf("model: m\narms: [dense]\ntask: {niah: {num_kyes: 2}}\n"),
             HasText("configs/x.yaml:3:15: unknown key 'num_kyes' in task.niah; did you mean "
                     "num_keys?"));
  // Nothing is near: all keys are listed, no guess.
  const std::string far = ErrorOf("model: m\narms: [dense]\nmeasure: {zzzzzz: 1}\n");
  CHECK_THAT(far, HasText("configs/x.yaml:3:11: "));
  CHECK_THAT(far, HasText("known: repeats, batch, warmup"));
  CHECK_THAT(far, !HasText("did you mean"));
  CHECK_THAT(ErrorOf("model: m\narms: [{dense: {density: 1}}]\n"),
             HasText("configs/x.yaml:2:17: unknown key 'density' in arm dense"));
  CHECK_THAT(ErrorOf("model: m\narms: [sketchwalk]\n"),
             HasText("configs/x.yaml:2:8: unknown arm 'sketchwalk'; did you mean sketch_walk?"));
}

TEST_CASE("Wrong types name field, value and what is wanted") {
  const auto task = [](const std::string& field) {
    return ErrorOf("model: m\narms: [dense]\ntask: {" + field + "}\n");
  };
  CHECK_THAT(task("samples: ten"),
             HasText("configs/x.yaml:3:17: task.samples is 'ten': it must be a whole number"));
  CHECK_THAT(task("samples: 1.5"), HasText("must be a whole number"));
  CHECK_THAT(task("samples: 1e3"), HasText("must be a whole number"));
  CHECK_THAT(task("samples: 0x10"), HasText("must be a whole number"));
  CHECK_THAT(task("samples: \"3\""), HasText("in quotes"));
  CHECK_THAT(task("samples: [3]"), HasText("task.samples is a list"));
  CHECK_THAT(task("samples: {a: 3}"), HasText("task.samples is a mapping"));
  CHECK_THAT(task("samples: "), HasText("task.samples is empty"));
  CHECK_THAT(task("samples: 2147483648"), HasText("too large"));
  CHECK_THAT(task("seed: -1"), HasText("0 or more"));
  CHECK_THAT(task("seed: 18446744073709551616"), HasText("too large"));
  CHECK_THAT(task("lengths: [1024, x]"), HasText("configs/x.yaml:3:24: task.lengths is 'x'"));
  CHECK_THAT(task("lengths: []"), HasText("configs/x.yaml:3:17: task.lengths is an empty list"));
  CHECK_THAT(task("lengths: [512, 512]"), HasText("configs/x.yaml:3:23"));
  CHECK_THAT(task("names: [[niah]]"), HasText("task.names is a list"));
  CHECK_THAT(task("niah: 3"), HasText("task.niah is '3': it must be a mapping"));
  CHECK_THAT(ErrorOf("model: [m]\narms: [dense]\n"),
             HasText("configs/x.yaml:1:8: model is a list"));
  CHECK_THAT(ErrorOf("model: m\narms: dense\n"), HasText("configs/x.yaml:2:7: arms is 'dense'"));
  CHECK_THAT(ErrorOf("model: m\narms: []\n"), HasText("configs/x.yaml:2:7: arms is an empty list"));
  CHECK_THAT(ErrorOf("- model\n"), HasText("configs/x.yaml:1:1: the config is a list"));
  CHECK_THAT(ErrorOf("model: m\narms: [dense, ]\ntask: 7\n"), HasText("task is '7'"));
}

TEST_CASE("Numbers must be finite") {
  for (const char* value : {".nan", ".inf", "-.inf", "nan", "inf", "-inf", "1e999"}) {
    CAPTURE(value);
    const std::string error =
        ErrorOf(fmt::format("model: m\narms: [{{oracle: {{density: {}}}}}]\n", value));
    CHECK_THAT(error, HasText("configs/x.yaml:2:27: oracle.density is '"));
  }
}

TEST_CASE("Enum spellings are listed") {
  const std::string error = ErrorOf("model: m\narms: [{sketch_walk: {normaliser: casual}}]\n");
  CHECK_THAT(error, HasText("configs/x.yaml:2:35: sketch_walk.normaliser is 'casual'"));
  CHECK_THAT(error, HasText("known: all, causal"));
  CHECK_THAT(ErrorOf("model: m\nbackend: gpu\narms: [dense]\n"),
             HasText("known: auto, cuda, reference"));
  CHECK_THAT(ErrorOf("model: m\nscoring: [generate, [forced]]\narms: [dense]\n"),
             HasText("configs/x.yaml:2:21: scoring is a list: it must be one of generate, forced"));
}

TEST_CASE("Values out of range are blamed on their field") {
  const auto arm = [](const std::string& fields) {
    return ErrorOf("model: m\narms:\n  - oracle: {" + fields + "}\n");
  };
  CHECK_THAT(arm("skip_layers: 2, density: 1.5"),
             HasText("configs/x.yaml:3:39: oracle.density is 1.5"));
  CHECK_THAT(arm("density: [0.5, 0]"), HasText("configs/x.yaml:3:29: oracle.density is 0"));
  CHECK_THAT(arm("block_size: 0"), HasText("configs/x.yaml:3:26: oracle.block_size is 0"));
  CHECK_THAT(arm("local_blocks: 0"), HasText("must be at least 1"));
  CHECK_THAT(arm("top_blocks: 4, density: 0.5"),
             HasText("configs/x.yaml:3:38: top_blocks and density are both given in arm oracle"));
  CHECK_THAT(arm("top_blocks: []"), HasText("configs/x.yaml:3:26: oracle.top_blocks is an empty"));
  const auto rest = [](const std::string& line) { return ErrorOf(kHead + line); };
  CHECK_THAT(rest("measure: {batch: 0}"), HasText("configs/x.yaml:3:18: measure.batch is 0"));
  CHECK_THAT(rest("measure: {repeats: -1}"), HasText("measure.repeats is -1"));
  CHECK_THAT(rest("task: {samples: 0}"), HasText("configs/x.yaml:3:17: task.samples is 0"));
  CHECK_THAT(rest("task: {lengths: [5, 0]}"), HasText("task.lengths is 0"));
  CHECK_THAT(rest("task: {names: nia_single_1}"),
             HasText("configs/x.yaml:3:15: unknown task 'nia_single_1'; did you mean"));
  CHECK_THAT(rest("task: {suite: rule}"), HasText("did you mean ruler?"));
  CHECK_THAT(rest("task: {template: chat}"), HasText("known: auto, base, chatml"));
  CHECK_THAT(rest("task: {niah: {num_values: 0}}"), HasText("task.niah.num_values is 0"));
  // The budget is checked against the lengths that stand after it, too.
  CHECK_THAT(rest("task: {max_new_tokens: 512, lengths: [2048, 512]}"),
             HasText("configs/x.yaml:3:24: task.max_new_tokens 512 leaves no room"));
  CHECK(Parse(std::string(kHead) + "task: {max_new_tokens: 1500, lengths: 2048}\n").task.samples >
        0);
}

TEST_CASE("Duplicate keys are found at any depth") {
  CHECK_THAT(
      ErrorOf("model: m\narms: [dense]\nmodel: n\n"),
      HasText("configs/x.yaml:3:1: key 'model' is given twice; first at configs/x.yaml:1:1"));
  CHECK_THAT(ErrorOf("model: m\narms: [{oracle: {top_blocks: 3, top_blocks: 4}}]\n"),
             HasText("configs/x.yaml:2:33: key 'top_blocks' is given twice"));
}

TEST_CASE("Missing parts are named") {
  CHECK_THAT(ErrorOf(""), HasText("configs/x.yaml: the config is empty"));
  CHECK_THAT(ErrorOf("# nothing\n"), HasText("configs/x.yaml"));
  CHECK_THAT(ErrorOf("arms: [dense]\n"), HasText("the key 'model' is missing"));
  CHECK_THAT(ErrorOf("model: m\n"), HasText("the key 'arms' is missing"));
}

TEST_CASE("Syntax errors have a position") {
  CHECK_THAT(ErrorOf("model: m\narms: [dense\n"), HasText("configs/x.yaml:"));
  CHECK_THAT(ErrorOf("model: m\narms: [dense\n"), HasText("not valid YAML"));
  CHECK_THAT(ErrorOf("model: m\n\t- x: y: z\n"), HasText("configs/x.yaml:2:"));
  CHECK_THAT(ErrorOf("model: m\narms: [dense]\n---\nmodel: n\n"),
             HasText("configs/x.yaml:3:1: the document has ended, and something follows"));
  CHECK_THAT(ErrorOf(",model: m\narms: [dense]\n"),
             HasText("configs/x.yaml:1:1: the document has"));
  CHECK_THAT(ErrorOf("model: m\narms: [*nowhere]\n"), HasText("configs/x.yaml:2:"));
}

TEST_CASE("Aliases work, merge keys are refused, loops end") {
  const Experiment e =
      Parse("model: m\narms:\n  - oracle: &common {block_size: 32}\n  - random: *common\n");
  CHECK(SparsePartOf(e.arms[2].policy)->block_size == 32);
  CHECK_THAT(ErrorOf("model: m\narms:\n  - oracle: &c {block_size: 32}\n  - random: {<<: *c}\n"),
             HasText("configs/x.yaml:4:14: merge keys (<<) are not supported"));
  CHECK_THAT(ErrorOf("model: m\narms: &a [*a]\n"), HasText("nested too deep"));
}

TEST_CASE("Files that cannot be read are named") {
  CHECK_THAT(MessageOf<UserError>([] { LoadExperiment("/nonexistent/x.yaml", {}); }),
             HasText("/nonexistent/x.yaml: cannot be read: No such file"));
  CHECK_THAT(MessageOf<UserError>([] { LoadExperiment("/tmp", {}); }),
             HasText("/tmp: is a folder"));
}

}  // namespace
}  // namespace sw
