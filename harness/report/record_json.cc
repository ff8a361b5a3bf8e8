#include "harness/report/record_json.h"

#include "core/base/check.h"

#include <map>
#include <variant>

namespace sw {
namespace {

Json SecondsJson(const std::vector<double>& seconds) {
  Json array = Json::array();
  for (const double s : seconds) array.push_back(ToJson(RoundSeconds(s)));
  return array;
}

Json SecondsJson(const std::optional<double>& seconds) {
  return seconds ? ToJson(RoundSeconds(*seconds)) : Json(nullptr);
}

Json SecondsJson(const std::map<std::string, double>& stages) {
  Json object = Json::object();
  for (const auto& [name, seconds] : stages) object[name] = ToJson(RoundSeconds(seconds));
  return object;
}

Json ShareJson(const std::optional<double>& share) {
  return share ? ToJson(RoundShare(*share)) : Json(nullptr);
}

Json SharesJson(const std::vector<std::optional<double>>& shares) {
  Json array = Json::array();
  for (const auto& share : shares) array.push_back(ShareJson(share));
  return array;
}

Json TimeSeriesJson(const TimeSeries& series) {
  return {{"samples_s", SecondsJson(series.samples_s)},
          {"median_s", SecondsJson(series.median_s)},
          {"speedup_vs_dense", ToJson(series.speedup_vs_dense)}};
}

Json PolicyJson(const PolicyConfig& policy) {
  return std::visit([](const auto& config) { return ToJson(config); }, policy);
}

Json ArmJson(const ArmConfig& arm) {
  return {{"label", arm.label},
          {"policy", ToJson(PolicyName(arm.policy))},
          {"config", PolicyJson(arm.policy)}};
}

Json AccuracyJson(const RunRecord& r) {
  const auto end_of = [&](double Interval::*end) {
    return r.accuracy_percent ? ToJson(RoundShare(*r.accuracy_percent.*end)) : Json(nullptr);
  };
  return {{"percent", end_of(&Interval::value)},
          {"low", end_of(&Interval::low)},
          {"high", end_of(&Interval::high)},
          {"n", r.n},
          {"method", r.interval_method.empty() ? Json(nullptr) : Json(r.interval_method)},
          {"minus_dense", ShareJson(r.accuracy_minus_dense)},
          {"only_dense_right", ToJson(r.only_dense_right)},
          {"only_this_right", ToJson(r.only_this_right)},
          {"mcnemar_p", ToJson(r.mcnemar_p)}};
}

Json TauJson(const RunRecord& r) {
  Json last_row = nullptr;
  if (r.top_blocks_last_row) {
    last_row = {{"mean", ToJson(r.top_blocks_last_row->value)},
                {"min", ToJson(r.top_blocks_last_row->low)},
                {"max", ToJson(r.top_blocks_last_row->high)}};
  }
  return {{"asked", ToJson(r.top_blocks_asked)}, {"last_row", last_row}};
}

Json DensityJson(const RunRecord& r) {
  return {{"asked", ToJson(r.density_asked)},
          {"measured",
           {{"prefill", ShareJson(r.prefill_density)},
            {"prefill_sparse_layers", ShareJson(r.prefill_density_sparse)},
            {"decode", ShareJson(r.decode_density)},
            {"decode_sparse_layers", ShareJson(r.decode_density_sparse)}}}};
}

Json TimeJson(const RunRecord& r) {
  const bool is_oracle = std::holds_alternative<OracleConfig>(r.point.arm.policy);
  return {
      {"claim", !is_oracle},
      {"ttft", TimeSeriesJson(r.ttft)},
      {"tpot", TimeSeriesJson(r.tpot)},
      {"prefill_attention", TimeSeriesJson(r.prefill_attention)},
      {"decode_attention", TimeSeriesJson(r.decode_attention)},
      {"stages_s",
       {{"prefill", SecondsJson(r.prefill_stages_s)}, {"decode", SecondsJson(r.decode_stages_s)}}}};
}

Json MemoryJson(const RunRecord& r) {
  Json by_part = Json::object();
  for (const auto& [part, bytes] : r.peak_bytes_by_part) by_part[part] = bytes;
  return {{"peak_bytes", r.peak_bytes},
          {"by_part", by_part},
          {"resident_peak_bytes",
           r.resident_peak_bytes > 0 ? Json(r.resident_peak_bytes) : Json(nullptr)},
          {"resident_method", r.resident_method}};
}

Json DeviceJson(const DeviceInfo& device) {
  return {{"backend", device.backend},
          {"name", device.name},
          {"simd", device.simd},
          {"num_threads", device.num_threads},
          {"memory_bytes", device.memory_bytes},
          {"dense_attention", device.dense_attention}};
}

}  // namespace

std::string_view NameOf(RunStatus status) {
  switch (status) {
    case RunStatus::kOk:
      return "ok";
    case RunStatus::kOutOfMemory:
      return "out_of_memory";
    case RunStatus::kMissingData:
      return "missing_data";
    case RunStatus::kFailed:
      return "failed";
    case RunStatus::kInterrupted:
      return "interrupted";
  }
  SW_CHECK(false, "status {}", static_cast<int>(status));
}

Json EnvironmentJson(const Environment& e) {
  return {{"version", e.version},
          {"commit", e.commit},
          {"dirty", e.dirty},
          {"compiler", e.compiler},
          {"build_type", e.build_type},
          {"os", e.os},
          {"cpu", e.cpu},
          {"memory_bytes", e.memory_bytes},
          {"started_at", e.started_at},
          {"command_line", ToJson(e.command_line)},
          {"device", DeviceJson(e.device)}};
}

Json ModelJson(const ModelInfo& m) {
  return {{"name", m.name},
          {"path", m.path},
          {"weights_sha256", m.weights_sha256},
          {"num_layers", m.num_layers},
          {"num_q_heads", m.num_q_heads},
          {"num_kv_heads", m.num_kv_heads},
          {"head_dim", m.head_dim},
          {"context_len", m.context_len}};
}

Json ExperimentJson(const Experiment& e) {
  Json arms = Json::array();
  for (const ArmConfig& arm : e.arms) arms.push_back(ArmJson(arm));
  return {{"name", e.name},
          {"model", e.model},
          {"backend", ToJson(e.backend)},
          {"task", ToJson(e.task)},
          {"arms", arms},
          {"scoring", ToJson(e.scoring)},
          {"measure", ToJson(e.measure)}};
}

Json RecordJson(const RunRecord& r, const ModelInfo& model, const Environment& environment) {
  Json line;
  line["schema_version"] = kRecordSchemaVersion;
  line["status"] = ToJson(NameOf(r.status));
  line["detail"] = r.detail;
  line["arm"] = ArmJson(r.point.arm);
  line["task"] = {{"name", r.point.task}, {"length", r.point.length}, {"config", ToJson(r.task)}};
  line["scoring"] = ToJson(r.point.scoring);
  line["measure"] = ToJson(r.measure);
  line["template"] = r.template_name;
  line["departures"] = ToJson(r.departures);
  line["n"] = r.n;
  line["timed"] = r.timed;
  line["samples_sha256"] = r.samples_sha256;
  line["accuracy"] = AccuracyJson(r);
  line["tau"] = TauJson(r);
  line["density"] = DensityJson(r);
  line["hit_rate"] = {{"prefill", ShareJson(r.prefill_hit_rate_mean)},
                      {"decode", ShareJson(r.decode_hit_rate_mean)},
                      {"prefill_by_layer", SharesJson(r.prefill_hit_rate)},
                      {"decode_by_layer", SharesJson(r.decode_hit_rate)}};
  line["time"] = TimeJson(r);
  line["memory"] = MemoryJson(r);
  line["walk_restarts"] = r.walk_restarts;
  line["sketch"] =
      r.sketch ? Json{{"signs", r.sketch->signs}, {"rows", ToJson(r.sketch->rows)}} : Json(nullptr);
  line["warnings"] = ToJson(r.warnings);
  line["baseline"] = environment.device.dense_attention;
  line["model"] = ModelJson(model);
  line["environment"] = EnvironmentJson(environment);
  return line;
}

Json SampleJson(const SampleRecord& s, const RunPoint& point) {
  Json line;
  line["schema_version"] = kRecordSchemaVersion;
  line["task"] = point.task;
  line["length"] = point.length;
  line["scoring"] = ToJson(point.scoring);
  line["arm"] = point.arm.label;
  line["index"] = s.index;
  line["ids_sha256"] = s.ids_sha256;
  line["bos_count"] = s.bos_count;
  line["prompt_tokens"] = s.prompt_tokens;
  line["haystack_units"] = s.haystack_units;
  line["outputs"] = ToJson(s.outputs);
  line["needle_depths"] = ToJson(s.needle_depths);
  line["answer"] = s.answer;
  line["answer_tokens"] = s.answer_tokens;
  line["score"] = ToJson(s.score);
  line["timed"] = s.timed;
  line["ttft_s"] = s.timed ? ToJson(RoundSeconds(s.ttft_s)) : Json(nullptr);
  line["step_s"] = SecondsJson(s.step_s);
  line["prefill_attention_s"] =
      s.timed ? ToJson(RoundSeconds(s.prefill_attention_s)) : Json(nullptr);
  line["decode_attention_s"] =
      s.timed && !s.step_s.empty() ? ToJson(RoundSeconds(s.decode_attention_s)) : Json(nullptr);
  line["stages_s"] = {{"prefill", SecondsJson(s.prefill_stages_s)},
                      {"decode", SecondsJson(s.decode_stages_s)}};
  line["hit_rate"] = {{"prefill_by_layer", SharesJson(s.prefill_hit_rate)},
                      {"decode_by_layer", SharesJson(s.decode_hit_rate)}};
  line["density"] = {{"prefill", ShareJson(s.prefill_density)},
                     {"prefill_sparse_layers", ShareJson(s.prefill_density_sparse)},
                     {"decode", ShareJson(s.decode_density)},
                     {"decode_sparse_layers", ShareJson(s.decode_density_sparse)}};
  line["walk_restarts"] = s.walk_restarts;
  return line;
}

}  // namespace sw
