// summary.json and summary.csv: what a run was and what came out, small enough to read whole.
#pragma once

#include "harness/report/json_value.h"
#include "harness/report/record.h"

#include <span>
#include <string>
#include <vector>

namespace sw {

// A point that gave no record with samples, or none yet.
struct NotRun {
  std::string task;
  int length = 0;
  Scoring scoring = Scoring::kGenerate;
  std::string arm;
  std::string reason;
};

struct RunSummary {
  std::string status;  // "running", "complete", "some_failed", "interrupted"
  Experiment experiment;
  ModelInfo model;
  Environment environment;
  int limit = 0;  // samples per point at most; 0: as the config says
  std::vector<NotRun> not_run;
};

// 16 hexadecimal digits, different for every configuration, weights, build and start.
std::string RunId(const RunSummary& summary);
Json SummaryJson(const RunSummary& summary, std::span<const RunRecord> records);
// A header and one line per record, RFC 4180; absent values are empty.
std::string SummaryCsv(std::span<const RunRecord> records);

}  // namespace sw
