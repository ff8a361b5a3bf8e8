#include "harness/report/summary.h"

#include "core/testing/catch.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace sw {
namespace {

RunRecord SomeRecord() {
  RunRecord r;
  r.status = RunStatus::kOk;
  r.point = {"niah", 100, Scoring::kForced, {LocalSinkConfig{}, "local_sink a=\"1,2\""}};
  r.n = 3;
  r.accuracy_percent = Interval{33.25, 6.0, 79.0};
  r.ttft.median_s = 0.125;
  r.tpot.speedup_vs_dense = std::numeric_limits<double>::quiet_NaN();
  r.warnings = {"doubt"};
  return r;
}

std::vector<std::string> Cells(const std::string& line) {  // of a line without quoted commas
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

TEST_CASE("the CSV quotes, leaves absent values empty and keeps header and rows together") {
  RunRecord plain = SomeRecord();
  plain.point.arm.label = "local_sink";
  const std::string csv = SummaryCsv(std::vector{plain, SomeRecord()});
  const size_t header_end = csv.find('\n');
  const std::vector<std::string> names = Cells(csv.substr(0, header_end));
  const std::vector<std::string> row =
      Cells(csv.substr(header_end + 1, csv.find('\n', header_end + 1) - header_end - 1));
  REQUIRE(names.size() == row.size());
  const auto cell = [&](const std::string& name) {
    const auto at = std::find(names.begin(), names.end(), name);
    REQUIRE(at != names.end());
    return row[static_cast<size_t>(at - names.begin())];
  };
  CHECK(cell("status") == "ok");
  CHECK(cell("scoring") == "forced");
  CHECK(cell("policy") == "local_sink");
  CHECK(cell("accuracy_percent") == "33.25");
  CHECK(cell("ttft_median_s") == "0.125");
  CHECK(cell("tpot_median_s").empty());
  CHECK(cell("tpot_speedup_vs_dense").empty());  // NaN is no number
  CHECK_THAT(csv, testing::HasText("\"local_sink a=\"\"1,2\"\"\""));
}

TEST_CASE("the summary names what did not run and what to doubt") {
  RunSummary summary;
  summary.status = "interrupted";
  summary.experiment.name = "x";
  summary.not_run = {{"niah", 200, Scoring::kGenerate, "dense", "data missing"}};
  const Json json = SummaryJson(summary, std::vector{SomeRecord()});
  CHECK(json.at("status") == "interrupted");
  CHECK(json.at("limit").is_null());
  CHECK(json.at("records").at(0).at("accuracy_percent") == 33.25);
  CHECK(json.at("records").at(0).at("tpot_speedup_vs_dense").is_null());
  CHECK(json.at("not_run").at(0).at("reason") == "data missing");
  CHECK(json.at("warnings").at(0).at("warning") == "doubt");
  CHECK(json.at("config").at("name") == "x");
}

TEST_CASE("run ids tell configurations and starts apart") {
  RunSummary a;
  RunSummary b = a;
  CHECK(RunId(a) == RunId(b));
  CHECK(RunId(a).size() == 16);
  b.environment.started_at = "2026-01-01T00:00:00Z";
  CHECK(RunId(a) != RunId(b));
  b = a;
  b.experiment.task.seed = 43;
  CHECK(RunId(a) != RunId(b));
}

}  // namespace
}  // namespace sw
