// What goes wrong during a run, and what is left on the disk then.
#include "harness/run/runner.h"

#include "core/base/check.h"
#include "harness/run/runner_test_rig.h"

#include "core/testing/catch.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace sw {
namespace {

using testing::HasText;
using testing::LinesOfArm;
using testing::MessageOf;
using testing::ReadJson;
using testing::ReadLines;
using testing::RunnerRig;
using testing::TempDir;

TEST_CASE("an interrupt keeps what is finished and says so") {
  RunnerRig rig;
  rig.experiment.task.samples = 4;
  rig.experiment.task.lengths = {150, 90};
  // During sample 1 of the dense arm: that one is finished, its sparse twin never starts.
  const int signal_number = GENERATE(SIGINT, SIGTERM, SIGHUP);
  bool raised = false;
  rig.hooks.on_score = [&](int index, std::string_view) {
    if (index == 1 && !raised) {
      raised = true;
      raise(signal_number);
    }
  };
  const TempDir dir;
  CHECK(RunExperiment(rig.Inputs(dir.path())) == 130);
  const std::vector<Json> records = ReadLines(dir.path() / "records.jsonl");
  REQUIRE(records.size() == 2);
  for (const Json& record : records) {
    CHECK(record.at("status") == "interrupted");
    CHECK_THAT(record.at("detail").get<std::string>(), HasText("of 4 samples"));
  }
  CHECK(records[0].at("n") == 2);
  CHECK(records[1].at("n") == 1);
  // Compared on the one sample that both have.
  const auto dense = LinesOfArm(ReadLines(dir.path() / "samples.jsonl"), "dense");
  const auto sparse = LinesOfArm(ReadLines(dir.path() / "samples.jsonl"), "sketch_walk");
  REQUIRE(dense.size() == 2);
  REQUIRE(sparse.size() == 1);
  const double ratio = records[1].at("time").at("ttft").at("speedup_vs_dense");
  const double by_hand = dense[0].at("ttft_s").get<double>() / sparse[0].at("ttft_s").get<double>();
  CHECK(std::abs(ratio - by_hand) < 1e-3 * by_hand);
  const Json summary = ReadJson(dir.path() / "summary.json");
  CHECK(summary.at("status") == "interrupted");
  REQUIRE(summary.at("not_run").size() == 2);
  CHECK(summary.at("not_run").at(0).at("length") == 90);
  CHECK(summary.at("not_run").at(0).at("reason") == "not reached");
}

TEST_CASE("an interrupt inside a sample drops that sample alone") {
  RunnerRig rig;
  rig.experiment.arms.resize(1);
  rig.experiment.measure.batch = 3;
  rig.experiment.task.samples = 7;
  rig.hooks.on_make = [](int index) {
    if (index == 4) raise(SIGINT);  // as the second batch is made
  };
  const TempDir dir;
  CHECK(RunExperiment(rig.Inputs(dir.path())) == 130);
  CHECK(ReadLines(dir.path() / "samples.jsonl").size() == 3);
  CHECK(ReadLines(dir.path() / "records.jsonl").at(0).at("n") == 3);
}

TEST_CASE("an interrupt before the first finished sample leaves no record") {
  RunnerRig rig;
  rig.hooks.on_make = [](int) { raise(SIGINT); };
  const TempDir dir;
  CHECK(RunExperiment(rig.Inputs(dir.path())) == 130);
  CHECK(ReadLines(dir.path() / "records.jsonl").empty());
  CHECK(ReadJson(dir.path() / "summary.json").at("not_run").size() == 2);
}

TEST_CASE("a signal after the last sample cuts nothing short") {
  RunnerRig rig;
  rig.experiment.arms.resize(1);
  rig.hooks.on_score = [&](int index, std::string_view) {
    if (index == 2) raise(SIGINT);
    // Scoring a sample again (for the hit rate's steps) must not meet the default action.
  };
  rig.max_new_tokens = 1;
  const TempDir dir;
  CHECK(RunExperiment(rig.Inputs(dir.path())) == 0);
  CHECK(ReadLines(dir.path() / "records.jsonl").at(0).at("status") == "ok");
}

TEST_CASE("a second signal ends the process, and the files hold whole lines") {
  RunnerRig rig;
  const TempDir dir;
  const pid_t child = fork();
  if (child == 0) {
    rig.experiment.arms.resize(1);
    rig.hooks.on_score = [&](int index, std::string_view) {
      if (index == 1) {
        raise(SIGINT);
        raise(SIGINT);
      }
    };
    (void)RunExperiment(rig.Inputs(dir.path()));
    _exit(9);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
  CHECK(ReadLines(dir.path() / "samples.jsonl").size() == 1);
}

TEST_CASE("an arm that cannot be made fails alone") {
  RunnerRig rig;
  SketchWalkConfig impossible;
  impossible.sparse = testing::SmallBlocks(4);
  impossible.sketch_dim = 1000;
  rig.experiment.arms.insert(rig.experiment.arms.begin(), {impossible, "impossible"});
  const TempDir dir;
  CHECK(RunExperiment(rig.Inputs(dir.path())) == 3);
  const std::vector<Json> records = ReadLines(dir.path() / "records.jsonl");
  REQUIRE(records.size() == 3);
  CHECK(records[0].at("status") == "failed");
  CHECK_THAT(records[0].at("detail").get<std::string>(), HasText("sketch_dim"));
  CHECK(records[0].at("n") == 0);
  CHECK(records[0].at("accuracy").at("percent").is_null());
  CHECK(records[1].at("status") == "ok");
  CHECK(records[2].at("n") == 3);
  const Json summary = ReadJson(dir.path() / "summary.json");
  CHECK(summary.at("status") == "some_failed");
  REQUIRE(summary.at("not_run").size() == 1);
  CHECK(summary.at("not_run").at(0).at("arm") == "impossible");
}

TEST_CASE("an arm that fails midway keeps its samples, the others go on") {
  RunnerRig rig;
  int calls = 0;
  // With wrong answers Score is called once per sample and arm: dense 0, sparse 0, dense 1.
  rig.hooks.on_score = [&](int, std::string_view) {
    if (++calls == 3) throw std::runtime_error("scoring broke");
  };
  const TempDir dir;
  CHECK(RunExperiment(rig.Inputs(dir.path())) == 3);
  const std::vector<Json> records = ReadLines(dir.path() / "records.jsonl");
  REQUIRE(records.size() == 2);
  CHECK(records[0].at("status") == "failed");
  CHECK(records[0].at("detail") == "scoring broke");
  CHECK(records[0].at("n") == 1);
  CHECK(records[1].at("status") == "ok");
  CHECK(records[1].at("n") == 3);
  CHECK(records[1].at("accuracy").at("only_dense_right") == 0);  // on the one common sample
}

TEST_CASE("a length that does not fit the memory is out of memory, the next one runs") {
  RunnerRig rig({.num_threads = 1, .memory_limit_bytes = 2 << 20});
  rig.experiment.task.lengths = {3000, 90};
  const TempDir dir;
  CHECK(RunExperiment(rig.Inputs(dir.path())) == 3);
  const std::vector<Json> records = ReadLines(dir.path() / "records.jsonl");
  REQUIRE(records.size() == 4);
  CHECK(records[0].at("status") == "out_of_memory");
  CHECK(records[1].at("status") == "out_of_memory");
  CHECK(records[2].at("status") == "ok");
  CHECK(records[3].at("status") == "ok");
}

TEST_CASE("a prompt past the model's context is refused") {
  RunnerRig rig;
  rig.experiment.task.lengths = {4096 + 1};
  const TempDir dir;
  CHECK(RunExperiment(rig.Inputs(dir.path())) == 3);
  const Json record = ReadLines(dir.path() / "records.jsonl").at(0);
  CHECK(record.at("status") == "failed");
  CHECK_THAT(record.at("detail").get<std::string>(), HasText("context of 4096"));
}

TEST_CASE("a task without its data is listed as missing, the others run") {
  RunnerRig rig;
  rig.experiment.task.names = {"lacking", "letters"};
  const TempDir dir;
  RunInputs inputs = rig.Inputs(dir.path());
  inputs.make_task = [&](const std::string& name, int length) -> std::unique_ptr<Task> {
    if (name == "lacking") throw MissingData("no word list");
    return rig.MakeTask(name, length);
  };
  CHECK(RunExperiment(inputs) == 3);
  const std::vector<Json> records = ReadLines(dir.path() / "records.jsonl");
  REQUIRE(records.size() == 4);
  CHECK(records[0].at("status") == "missing_data");
  CHECK(records[2].at("status") == "ok");
  const Json summary = ReadJson(dir.path() / "summary.json");
  CHECK(summary.at("not_run").at(0).at("reason") == "not run: data missing: no word list");
}

TEST_CASE("without a word list RULER's tasks that need one are missing data") {
  RunnerRig rig;
  rig.experiment.task.names = {"niah_single_1"};
  rig.experiment.task.lengths = {1000};
  const TempDir dir;
  RunInputs inputs = rig.Inputs(dir.path());
  inputs.make_task = nullptr;  // the real tasks
  CHECK(RunExperiment(inputs) == 3);
  CHECK(ReadLines(dir.path() / "records.jsonl").at(0).at("status") == "missing_data");
}

TEST_CASE("a sample that cannot be made ends its length for all arms") {
  RunnerRig rig;
  rig.hooks.on_make = [](int index) {
    if (index == 1) FailUser("no room for sample 1");
  };
  const TempDir dir;
  CHECK(RunExperiment(rig.Inputs(dir.path())) == 3);
  for (const Json& record : ReadLines(dir.path() / "records.jsonl")) {
    CHECK(record.at("status") == "failed");
    CHECK(record.at("detail") == "no room for sample 1");
    CHECK(record.at("n") == 1);
  }
}

TEST_CASE("a full disk ends the run with a user error") {
  RunnerRig rig;
  const TempDir dir;
  const std::string file = GENERATE("samples.jsonl", "records.jsonl");
  std::filesystem::create_symlink("/dev/full", dir.path() / file);
  CHECK_THAT(MessageOf<UserError>([&] { (void)RunExperiment(rig.Inputs(dir.path())); }),
             HasText(file) && HasText("No space left on device"));
}

TEST_CASE("a disk that fills up midway keeps every whole line") {
  RunnerRig rig;
  rig.experiment.task.samples = 50;
  const TempDir dir;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 10000;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message =
      MessageOf<UserError>([&] { (void)RunExperiment(rig.Inputs(dir.path())); });
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK_THAT(message, HasText("samples.jsonl") && HasText("File too large"));
  const std::vector<Json> lines = ReadLines(dir.path() / "samples.jsonl");  // parses each
  REQUIRE(lines.size() > 2);
  CHECK(lines.size() < 100);
}

TEST_CASE("a folder with records is not written over") {
  RunnerRig rig;
  const TempDir dir;
  std::ofstream(dir.path() / "records.jsonl") << "{}\n";
  CHECK_THAT(MessageOf<UserError>([&] { (void)RunExperiment(rig.Inputs(dir.path())); }),
             HasText("records.jsonl") && HasText("--out DIR"));
  CHECK(ReadLines(dir.path() / "records.jsonl").size() == 1);
}

}  // namespace
}  // namespace sw
