// Every config that we ship parses, names a model that exists and survives validation.
#include <algorithm>
#include <filesystem>

#include "core/testing/catch.h"
#include "harness/config_io.h"
#include "harness/paths.h"

namespace sw {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ShippedConfigs() {
  std::vector<std::string> paths;
  for (const auto& file : fs::directory_iterator(fs::path(SW_SOURCE_DIR) / "configs")) {
    if (file.path().extension() == ".yaml") paths.push_back(file.path().string());
  }
  return paths;
}

Experiment Shipped(const std::string& name) {
  return LoadExperiment(SW_SOURCE_DIR "/configs/" + name, {});
}

TEST_CASE("Every shipped config is valid, has a dense arm and a shipped model") {
  const DataRoots roots({.home = SW_SOURCE_DIR, .executable = {}, .xdg_data = {}});
  const std::vector<ModelEntry> models = roots.Models();
  REQUIRE(ShippedConfigs().size() >= 5);
  for (const std::string& path : ShippedConfigs()) {
    CAPTURE(path);
    std::vector<std::string> notes;
    const Experiment experiment = LoadExperiment(path, {}, &notes);
    CHECK(notes.empty());  // a shipped config writes its dense arm out
    CHECK_FALSE(ExpandPoints(experiment).empty());
    for (const ArmConfig& arm : experiment.arms) {
      CHECK_NOTHROW(ValidatePolicy(arm.policy, 64, 30));
    }
    const auto is_named = [&](const ModelEntry& model) { return model.name == experiment.model; };
    CHECK(std::any_of(models.begin(), models.end(), is_named));
  }
}

TEST_CASE("Every shipped model says where its weights come from") {
  const DataRoots roots({.home = SW_SOURCE_DIR, .executable = {}, .xdg_data = {}});
  for (const ModelEntry& model : roots.Models()) {
    CAPTURE(model.name);
    CHECK(model.sha256.size() == 64);
    CHECK_FALSE(model.fetch.empty());
    CHECK_FALSE(model.description.empty());
  }
}

TEST_CASE("The default run has the arms that its comments promise") {
  const Experiment experiment = Shipped("niah.yaml");
  CHECK(experiment.name == "niah");
  std::vector<std::string> labels;
  for (const ArmConfig& arm : experiment.arms) labels.push_back(arm.label);
  CHECK(labels == std::vector<std::string>{"dense", "sketch_walk density=0.2",
                                           "sketch_walk density=0.4", "one_hop", "oracle",
                                           "local_sink", "random"});
  CHECK(ExpandPoints(experiment).size() == 14);
}

TEST_CASE("The table at 4K has every cell") {
  const Experiment experiment = Shipped("niah_4k.yaml");
  CHECK(experiment.arms.size() == 17);
  CHECK(ExpandPoints(experiment).size() == 34);
}

}  // namespace
}  // namespace sw
