#include "harness/config_io_arms.h"

#include "core/testing/catch.h"
#include "harness/config_io.h"

namespace sw {
namespace {

using testing::HasText;
using testing::MessageOf;
using Strings = std::vector<std::string>;

Strings LabelsOf(const Experiment& experiment) {
  Strings labels;
  for (const ArmConfig& arm : experiment.arms) labels.push_back(arm.label);
  return labels;
}

Experiment Arms(const std::string& arms, const Strings& sets = {}) {
  return ParseExperiment("model: m\narms:\n" + arms, "x.yaml", sets);
}

std::string ErrorOf(const std::string& arms, const Strings& sets = {}) {
  return MessageOf<UserError>([&] { Arms(arms, sets); });
}

TEST_CASE("A grid runs in written order, the last field fastest") {
  const Experiment e =
      Arms("- dense\n- sketch_walk: {top_blocks: [7, 3], block_size: [64, 32, 128]}\n");
  std::vector<std::pair<int, int>> points;
  for (size_t i = 1; i < e.arms.size(); ++i) {
    const SparseConfig& sparse = *SparsePartOf(e.arms[i].policy);
    points.emplace_back(*sparse.top_blocks, sparse.block_size);
  }
  CHECK(points ==
        std::vector<std::pair<int, int>>{{7, 64}, {7, 32}, {7, 128}, {3, 64}, {3, 32}, {3, 128}});
  CHECK(e.arms[2].label == "sketch_walk block_size=32 top_blocks=7");
}

TEST_CASE("A label names what differs and nothing else") {
  CHECK(LabelsOf(Arms("- dense\n- sketch_walk: {block_size: 32, density: [0.2, 0.4]}\n"
                      "- one_hop: {block_size: 32, density: 0.2}\n"
                      "- oracle: {density: [0.2]}\n- random\n")) ==
        Strings{"dense", "sketch_walk density=0.2", "sketch_walk density=0.4", "one_hop", "oracle",
                "random"});
  CHECK(LabelsOf(Arms("- dense\n- oracle: {top_blocks: [13, 7]}\n"
                      "- oracle: {top_blocks: 13, share: head}\n")) ==
        Strings{"dense", "oracle top_blocks=13 share=layer", "oracle top_blocks=7 share=layer",
                "oracle top_blocks=13 share=head"});
  // Neither rule given is top_blocks 16; each arm shows the rule that it has.
  CHECK(LabelsOf(Arms("- dense\n- oracle\n- oracle: {density: 0.5}\n")) ==
        Strings{"dense", "oracle top_blocks=16", "oracle density=0.5"});
}

TEST_CASE("A label can be given") {
  CHECK(LabelsOf(Arms("- dense: {label: baseline}\n- oracle: {label: roof, top_blocks: [4, 8]}\n"
                      "- oracle: {top_blocks: 2}\n")) ==
        Strings{"baseline", "roof top_blocks=4", "roof top_blocks=8", "oracle"});
  CHECK_THAT(ErrorOf("- dense\n- oracle: {label: dense}\n"),
             HasText("x.yaml:4:3: the label 'dense' is taken by the arm at x.yaml:3:3"));
  CHECK_THAT(ErrorOf("- oracle: {label: [a, b]}\n"), HasText("oracle.label is a list"));
}

TEST_CASE("Arms that are the same are refused") {
  CHECK_THAT(
      ErrorOf("- dense\n- oracle\n- oracle: {top_blocks: 16, label: again}\n"),
      HasText("x.yaml:5:3: an arm oracle with the same values stands already at x.yaml:4:3"));
  CHECK_THAT(ErrorOf("- oracle: {density: [0.5, 0.50]}\n"), HasText("same values"));
  CHECK_THAT(ErrorOf("- dense\n- dense\n"), HasText("same values"));
}

TEST_CASE("Misshaped arms are explained") {
  CHECK_THAT(ErrorOf("  - sketch_walk:\n    density: 0.2\n"),
             HasText("x.yaml:3:5: an arm has one name; indent its fields below it"));
  CHECK_THAT(ErrorOf("- [dense]\n"), HasText("an arm is a list"));
  CHECK_THAT(ErrorOf("-\n- dense\n"), HasText("an arm is empty"));
  CHECK_THAT(ErrorOf("- oracle: 3\n"), HasText("arm oracle is '3': it must be a mapping"));
}

TEST_CASE("A grid beyond reason is refused before it is built") {
  std::string list = "[0";
  for (int i = 1; i < 40; ++i) list += fmt::format(", {}", i);
  CHECK_THAT(ErrorOf(fmt::format("- random: {{seed: {0}], sink_blocks: {0}]}}\n", list)),
             HasText("more than 1000 points"));
}

TEST_CASE("Set arguments reach every part of a config") {
  const std::string text =
      "- dense\n- sketch_walk: {top_blocks: 4, block_size: 32}\n- oracle\n"
      "- sketch_walk: {top_blocks: 9}\n";
  const Experiment e =
      Arms(text, {"task.samples=3", "measure.repeats=1", "backend=reference", "scoring=[forced]",
                  "task.niah.num_keys=5", "arms.sketch_walk.density=[0.1, 0.2]",
                  "arms.oracle.share=head", "model=other"});
  CHECK(e.task.samples == 3);
  CHECK(e.measure.repeats == 1);
  CHECK(e.backend == BackendKind::kReference);
  CHECK(e.scoring == std::vector<Scoring>{Scoring::kForced});
  CHECK(e.task.niah.num_keys == 5);
  CHECK(e.model == "other");
  REQUIRE(e.arms.size() == 6);
  CHECK(SparsePartOf(e.arms[2].policy)->density == 0.2);  // top_blocks gave way
  CHECK(SparsePartOf(e.arms[2].policy)->block_size == 32);
  CHECK(std::get<OracleConfig>(e.arms[3].policy).share == Share::kHead);
}

TEST_CASE("Set arguments replace and clear") {
  CHECK(LabelsOf(Arms("- oracle\n- random\n", {"arms=[dense, one_hop]"})) ==
        Strings{"dense", "one_hop"});
  CHECK_FALSE(
      SparsePartOf(Arms("- oracle: {density: 0.3}\n", {"arms.oracle.density=null"}).arms[1].policy)
          ->density);
  CHECK(SparsePartOf(
            Arms("- oracle: {density: 0.3}\n", {"arms.oracle={top_blocks: 2}"}).arms[1].policy)
            ->top_blocks == 2);
}

TEST_CASE("Errors of a set argument name its text") {
  const std::string arms = "- dense\n- sketch_walk: {density: 0.2}\n";
  CHECK_THAT(
      ErrorOf(arms, {"task.sampels=3"}),
      HasText("--set 'task.sampels=3': unknown key 'sampels' in task; did you mean samples?"));
  CHECK_THAT(ErrorOf(arms, {"tasks.samples=3"}),
             HasText("unknown key 'tasks' in the config; did you mean task?"));
  CHECK_THAT(ErrorOf(arms, {"task.samples=three"}),
             HasText("--set 'task.samples=three': task.samples is 'three'"));
  CHECK_THAT(ErrorOf(arms, {"arms.sketchwalk.density=1"}),
             HasText("no arm 'sketchwalk' in the config; did you mean sketch_walk?"));
  CHECK_THAT(ErrorOf(arms, {"arms.sketch_walk.densty=1"}), HasText("did you mean density?"));
  CHECK_THAT(ErrorOf(arms, {"arms.sketch_walk.density=[0.1, 7]"}),
             HasText("--set 'arms.sketch_walk.density=[0.1, 7]': sketch_walk.density is 7"));
  CHECK_THAT(ErrorOf(arms, {"arms.sketch_walk.density=0.1", "arms.sketch_walk.top_blocks=3"}),
             HasText("both given"));
  CHECK_THAT(ErrorOf(arms, {"task.samples"}), HasText("--set 'task.samples': no '='"));
  CHECK_THAT(ErrorOf(arms, {"task.samples="}), HasText("no value after '='"));
  CHECK_THAT(ErrorOf(arms, {"task..samples=1"}), HasText("an empty key"));
  CHECK_THAT(ErrorOf(arms, {"=1"}), HasText("an empty key"));
  CHECK_THAT(ErrorOf(arms, {"task.lengths=[1"}), HasText("--set 'task.lengths=[1'"));
  CHECK_THAT(ErrorOf(arms, {"model.name=x"}), HasText("there is no key 'name' here"));
  CHECK_THAT(ErrorOf(arms, {"arms.dense.density=1"}),
             HasText("unknown key 'density' in arm dense"));
}

}  // namespace
}  // namespace sw
