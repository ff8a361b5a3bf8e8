#include "harness/report/table.h"

#include "core/testing/catch.h"

#include <sstream>
#include <string>
#include <vector>

namespace sw {
namespace {

using testing::HasText;

RunRecord DenseRecord() {
  RunRecord r;
  r.status = RunStatus::kOk;
  r.point = {"niah_single_1", 1024, Scoring::kGenerate, {DenseConfig{}, "dense"}};
  r.n = 10;
  r.accuracy_percent = Interval{90.0, 59.58, 98.21};
  r.ttft = {{1.5}, 1.5, 1.0};
  r.tpot = {{0.0214}, 0.0214, 1.0};
  r.prefill_attention = {{0.5}, 0.5, 1.0};
  r.prefill_density = 1.0;
  r.peak_bytes = 3 * 1048576;
  return r;
}

RunRecord SparseRecord(PolicyConfig policy, const std::string& label) {
  RunRecord r = DenseRecord();
  r.point.arm = {std::move(policy), label};
  r.prefill_density = 0.413;
  r.prefill_density_sparse = 0.351;
  r.prefill_hit_rate_mean = 0.53;
  r.ttft = {{1.0}, 1.0, 1.53};
  r.prefill_attention.speedup_vs_dense = 2.47;
  return r;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("display width counts columns, not bytes") {
  CHECK(DisplayWidth("abc") == 3);
  CHECK(DisplayWidth("τ=16") == 4);
  CHECK(DisplayWidth("e\xCC\x81") == 1);                 // e and a combining acute
  CHECK(DisplayWidth("\xE6\xBC\xA2\xE5\xAD\x97") == 4);  // two ideographs
  CHECK(DisplayWidth("\xFF\xC3") == 2);                  // not UTF-8: each byte as itself
  CHECK(DisplayWidth("") == 0);
}

TEST_CASE("the table lines up and holds what the record says") {
  const std::vector<RunRecord> records = {DenseRecord(),
                                          SparseRecord(SketchWalkConfig{}, "sketch_walk τ=16")};
  const std::vector<std::string> lines = LinesOf(RecordTable(records));
  REQUIRE(lines.size() == 3);
  CHECK_THAT(lines[0], HasText("acc % [low, high]") && HasText("attention x dense"));
  CHECK_THAT(lines[1], HasText("90.0 [59.6, 98.2]") && HasText("-/1.00") && HasText("1.500") &&
                           HasText("21.4") && HasText("3.0"));
  CHECK_THAT(lines[2],
             HasText("0.35/0.41") && HasText("0.53/-") && HasText("1.53") && HasText("2.47"));
  const int title_end = DisplayWidth(lines[0].substr(0, lines[0].find("TTFT s") + 6));
  CHECK(DisplayWidth(lines[1].substr(0, lines[1].find("1.500") + 5)) == title_end);
  CHECK(DisplayWidth(lines[2].substr(0, lines[2].find("1.000") + 5)) == title_end);
}

TEST_CASE("the oracle's speedups are not shown") {
  const std::string table = RecordTable(std::vector{SparseRecord(OracleConfig{}, "oracle")});
  CHECK_THAT(table, HasText("no claim"));
  CHECK(table.find("1.53") == std::string::npos);
  CHECK(table.find("2.47") == std::string::npos);
}

TEST_CASE("failures and warnings are told below the table") {
  RunRecord failed;
  failed.status = RunStatus::kOutOfMemory;
  failed.detail = "needs 9 GiB";
  failed.point = {"niah_single_1", 8192, Scoring::kForced, {DenseConfig{}, "dense"}};
  RunRecord doubted = SparseRecord(RandomConfig{}, "random");
  doubted.warnings = {"better than dense"};
  const std::string table = RecordTable(std::vector{failed, doubted});
  CHECK_THAT(table, HasText("out_of_memory: niah_single_1 8192 forced dense: needs 9 GiB") &&
                        HasText("warning: niah_single_1 1024 generate random: better than dense"));
  CHECK_THAT(RecordLine(failed), HasText("out_of_memory: needs 9 GiB"));
  CHECK_THAT(RecordLine(doubted), HasText("90.0 [59.6, 98.2]") && HasText("TTFT 1.000 s"));
}

}  // namespace
}  // namespace sw
