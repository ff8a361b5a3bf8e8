#include "harness/report/summary.h"

#include "harness/io/sha256.h"
#include "harness/report/record_json.h"

#include <utility>

namespace sw {
namespace {

std::optional<double> EndOf(const std::optional<Interval>& interval, double Interval::*end) {
  return interval ? std::optional<double>(RoundShare((*interval).*end)) : std::nullopt;
}

std::optional<double> Rounded(std::optional<double> share) {
  if (share) share = RoundShare(*share);
  return share;
}

std::optional<double> Seconds(std::optional<double> seconds) {
  if (seconds) seconds = RoundSeconds(*seconds);
  return seconds;
}

// The one list of fields behind both files.
Json Essentials(const RunRecord& r) {
  return {{"status", ToJson(NameOf(r.status))},
          {"task", r.point.task},
          {"length", r.point.length},
          {"scoring", ToJson(r.point.scoring)},
          {"arm", r.point.arm.label},
          {"policy", ToJson(PolicyName(r.point.arm.policy))},
          {"n", r.n},
          {"accuracy_percent", ToJson(EndOf(r.accuracy_percent, &Interval::value))},
          {"accuracy_low", ToJson(EndOf(r.accuracy_percent, &Interval::low))},
          {"accuracy_high", ToJson(EndOf(r.accuracy_percent, &Interval::high))},
          {"accuracy_minus_dense", ToJson(Rounded(r.accuracy_minus_dense))},
          {"only_dense_right", ToJson(r.only_dense_right)},
          {"only_this_right", ToJson(r.only_this_right)},
          {"mcnemar_p", ToJson(r.mcnemar_p)},
          {"tau_asked", ToJson(r.top_blocks_asked)},
          {"tau_last_row_mean", ToJson(EndOf(r.top_blocks_last_row, &Interval::value))},
          {"density_asked", ToJson(r.density_asked)},
          {"density_prefill", ToJson(Rounded(r.prefill_density))},
          {"density_prefill_sparse_layers", ToJson(Rounded(r.prefill_density_sparse))},
          {"density_decode", ToJson(Rounded(r.decode_density))},
          {"density_decode_sparse_layers", ToJson(Rounded(r.decode_density_sparse))},
          {"hit_rate_prefill", ToJson(Rounded(r.prefill_hit_rate_mean))},
          {"hit_rate_decode", ToJson(Rounded(r.decode_hit_rate_mean))},
          {"ttft_median_s", ToJson(Seconds(r.ttft.median_s))},
          {"ttft_speedup_vs_dense", ToJson(r.ttft.speedup_vs_dense)},
          {"tpot_median_s", ToJson(Seconds(r.tpot.median_s))},
          {"tpot_speedup_vs_dense", ToJson(r.tpot.speedup_vs_dense)},
          {"prefill_attention_median_s", ToJson(Seconds(r.prefill_attention.median_s))},
          {"prefill_attention_speedup_vs_dense", ToJson(r.prefill_attention.speedup_vs_dense)},
          {"decode_attention_median_s", ToJson(Seconds(r.decode_attention.median_s))},
          {"decode_attention_speedup_vs_dense", ToJson(r.decode_attention.speedup_vs_dense)},
          {"peak_bytes", r.peak_bytes},
          {"resident_peak_bytes",
           r.resident_peak_bytes > 0 ? Json(r.resident_peak_bytes) : Json(nullptr)},
          {"walk_restarts", r.walk_restarts}};
}

std::string CsvCell(const Json& value) {
  if (value.is_null()) return {};
  std::string text = value.is_string() ? value.get<std::string>() : DumpLine(value);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

Json NotRunJson(const std::vector<NotRun>& points) {
  Json array = Json::array();
  for (const NotRun& point : points) {
    array.push_back({{"task", point.task},
                     {"length", point.length},
                     {"scoring", ToJson(point.scoring)},
                     {"arm", point.arm},
                     {"reason", point.reason}});
  }
  return array;
}

Json WarningsJson(std::span<const RunRecord> records) {
  Json array = Json::array();
  for (const RunRecord& r : records) {
    for (const std::string& warning : r.warnings) {
      array.push_back({{"task", r.point.task},
                       {"length", r.point.length},
                       {"scoring", ToJson(r.point.scoring)},
                       {"arm", r.point.arm.label},
                       {"warning", warning}});
    }
  }
  return array;
}

}  // namespace

std::string RunId(const RunSummary& s) {
  const Json identity = {ExperimentJson(s.experiment), ModelJson(s.model),
                         EnvironmentJson(s.environment), s.limit};
  return Sha256OfBytes(DumpLine(identity)).substr(0, 16);
}

Json SummaryJson(const RunSummary& s, std::span<const RunRecord> records) {
  Json essentials = Json::array();
  for (const RunRecord& record : records) essentials.push_back(Essentials(record));
  Json summary;
  summary["schema_version"] = kRecordSchemaVersion;
  summary["run_id"] = RunId(s);
  summary["status"] = s.status;
  summary["config"] = ExperimentJson(s.experiment);
  summary["limit"] = s.limit > 0 ? Json(s.limit) : Json(nullptr);
  summary["model"] = ModelJson(s.model);
  summary["environment"] = EnvironmentJson(s.environment);
  summary["records"] = std::move(essentials);
  summary["not_run"] = NotRunJson(s.not_run);
  summary["warnings"] = WarningsJson(records);
  return summary;
}

std::string SummaryCsv(std::span<const RunRecord> records) {
  // The header comes from the same list as the rows, so that the two cannot part.
  const Json header = Essentials(RunRecord{});
  std::string text;
  for (const auto& [name, value] : header.items()) text += (text.empty() ? "" : ",") + name;
  text += "\n";
  for (const RunRecord& record : records) {
    std::string line;
    bool first = true;
    const Json fields = Essentials(record);
    for (const auto& [name, value] : fields.items()) {
      if (!std::exchange(first, false)) line += ',';
      line += CsvCell(value);
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace sw
