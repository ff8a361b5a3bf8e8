#include "harness/command/plan.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/config/visit_fields.h"
#include "harness/report/progress.h"
#include "harness/report/table.h"

namespace sw {
namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
constexpr size_t kColumns = 9;
using Row = std::array<std::string, kColumns>;

std::string NameOf(const RunPoint& point) {
  return fmt::format("{} {} {} {}", point.task, point.length, EnumName(point.scoring),
                     point.arm.label);
}

Row RowOf(const PlannedPoint& planned, bool has_costs) {
  const RunPoint& point = planned.point;
  const KeepEstimate& keep = planned.keep;
  const bool is_dense = keep.num_blocks == 0;
  Row row;
  row[0] = point.task;
  row[1] = fmt::format("{}", point.length);
  row[2] = EnumName(point.scoring);
  row[3] = point.arm.label;
  row[4] = is_dense ? "all" : fmt::format("{}/{}", keep.last_row, keep.num_blocks);
  row[5] = fmt::format("{:.1f} %", 100 * keep.density_sparse);
  row[6] = has_costs ? fmt::format("{:.1f} %", 100 * keep.density) : "-";
  row[7] = has_costs ? fmt::format("{:.1f}", planned.seconds) : "-";
  row[8] = has_costs ? fmt::format("{:.2f}", static_cast<double>(planned.peak_bytes) / kGib) : "-";
  if (!planned.can_run) row[7] = row[8] = "not run";
  if (keep.is_degenerate()) row[8] += "  !";
  return row;
}

std::string Aligned(const std::vector<Row>& rows) {
  std::array<int, kColumns> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < kColumns; ++i) {
      const std::string pad(static_cast<size_t>(widths[i] - DisplayWidth(row[i])), ' ');
      const bool is_text = i == 0 || i == 2 || i == 3 || i + 1 == kColumns;
      line += (i > 0 ? "  " : "") + (is_text ? row[i] + pad : pad + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace

Plan PlanWithoutModel(const Experiment& experiment, int limit) {
  Plan plan;
  plan.samples = limit > 0 ? std::min(limit, experiment.task.samples) : experiment.task.samples;
  for (const RunPoint& point : ExpandPoints(experiment)) {
    PlannedPoint planned;
    planned.point = point;
    planned.keep = EstimateKeep(point.arm.policy, LlamaShape{}, point.length);
    plan.points.push_back(planned);
  }
  return plan;
}

Plan PlanWithModel(const Experiment& experiment, const Prepared& prepared, int limit) {
  Plan plan = PlanWithoutModel(experiment, limit);
  plan.has_costs = true;
  const LlamaShape& shape = prepared.model->shape();
  const DType weights = prepared.checkpoint.weights.layers.front().gate.dtype;
  EstimateInputs inputs{.model = shape,
                        .weight_bytes = prepared.checkpoint.weight_bytes,
                        .activation_dtype = prepared.backend->activation_dtype(),
                        .samples = plan.samples,
                        .batch = experiment.measure.batch,
                        .rates = Calibrate(*prepared.backend, shape, weights)};
  std::set<int> warm_lengths;
  for (PlannedPoint& planned : plan.points) {
    const RunPoint& point = planned.point;
    const auto budget = prepared.max_new_tokens.find({point.task, point.length});
    planned.can_run = budget != prepared.max_new_tokens.end();
    const PointEstimate estimate =
        EstimatePoint(point, planned.can_run ? budget->second : 1, inputs);
    planned.keep = estimate.keep;
    if (!planned.can_run) continue;
    planned.seconds = estimate.seconds;
    planned.peak_bytes = estimate.peak_bytes;
    plan.seconds += planned.seconds;
    plan.peak_bytes = std::max(plan.peak_bytes, planned.peak_bytes);
    if (planned.keep.num_blocks == 0 && warm_lengths.insert(point.length).second) {
      plan.seconds += experiment.measure.warmup * planned.seconds / std::max(1, plan.samples);
    }
  }
  return plan;
}

std::string PlanText(const Plan& plan) {
  std::vector<Row> rows = {
      {"task", "length", "scoring", "arm", "tau", "sparse layers", "all layers", "s", "GiB"}};
  bool any_degenerate = false;
  for (const PlannedPoint& planned : plan.points) {
    rows.push_back(RowOf(planned, plan.has_costs));
    any_degenerate = any_degenerate || planned.keep.is_degenerate();
  }
  std::string text = Aligned(rows);
  text += fmt::format("\n{} points of {} samples", plan.points.size(), plan.samples);
  if (plan.has_costs) {
    text += fmt::format("; about {} with answers of full length; peak {:.2f} GiB",
                        DurationText(plan.seconds), static_cast<double>(plan.peak_bytes) / kGib);
  }
  text +=
      "\ntau: key blocks that the last query block keeps, of those it has; layers: share of the "
      "causal\ntoken pairs of a prefill that is kept\n";
  if (any_degenerate) {
    text +=
        "! fewer than two blocks of the last row are the selector's choice: every selector is then "
        "the same;\n  raise density or top_blocks, or take a smaller block_size\n";
  }
  return text;
}

void RefuseWhatDoesNotFit(const Plan& plan, int64_t available_bytes) {
  if (!plan.has_costs || available_bytes <= 0 || plan.peak_bytes <= available_bytes) return;
  std::string points;
  for (const PlannedPoint& planned : plan.points) {
    if (planned.peak_bytes <= available_bytes) continue;
    points += fmt::format("\n  {:8.2f} GiB  {}", static_cast<double>(planned.peak_bytes) / kGib,
                          NameOf(planned.point));
  }
  FailUser(
      "does not fit into memory: {:.2f} GiB are free; use shorter lengths, a smaller "
      "measure.batch or larger blocks:{}",
      static_cast<double>(available_bytes) / kGib, points);
}

}  // namespace sw
