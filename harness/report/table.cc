#include "harness/report/table.h"

#include "core/config/visit_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace sw {
namespace {

struct Span {
  char32_t first, last;
};
// Unicode's East Asian wide and fullwidth letters and its combining marks, in coarse ranges.
constexpr std::array kWide = {
    Span{0x1100, 0x115F}, Span{0x2E80, 0x303E},   Span{0x3041, 0xA4CF},   Span{0xA960, 0xA97C},
    Span{0xAC00, 0xD7A3}, Span{0xF900, 0xFAFF},   Span{0xFE30, 0xFE6F},   Span{0xFF00, 0xFF60},
    Span{0xFFE0, 0xFFE6}, Span{0x1F300, 0x1F64F}, Span{0x1F900, 0x1F9FF}, Span{0x20000, 0x3FFFD}};
constexpr std::array kZero = {Span{0x0300, 0x036F}, Span{0x200B, 0x200F}, Span{0x20D0, 0x20FF},
                              Span{0xFE00, 0xFE0F}, Span{0xFE20, 0xFE2F}};

template <size_t N>
bool IsIn(const std::array<Span, N>& spans, char32_t c) {
  return std::any_of(spans.begin(), spans.end(),
                     [c](const Span& s) { return s.first <= c && c <= s.last; });
}

// The code point at text[at], moving `at` behind it; a byte that is not UTF-8 counts as itself.
char32_t NextCodePoint(std::string_view text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  const int following = lead < 0xC2 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 0;
  if (following == 0) return lead;
  char32_t code = lead & (0x3Fu >> following);
  const size_t after_lead = at;
  for (int i = 0; i < following; ++i) {
    if (at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) {
      at = after_lead;
      return lead;
    }
    code = (code << 6) | (static_cast<unsigned char>(text[at++]) & 0x3Fu);
  }
  return code;
}

std::string IfAny(const std::optional<double>& value, fmt::format_string<double> format,
                  double scale = 1.0) {
  return value ? fmt::format(format, *value * scale) : "-";
}

// "a/b", or "-" when neither is there.
std::string Pair(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a && !b) return "-";
  return IfAny(a, "{:.2f}") + "/" + IfAny(b, "{:.2f}");
}

// The oracle looks at all the scores to choose: how long that takes says nothing about a method.
bool ClaimsTimes(const RunRecord& r) {
  return !std::holds_alternative<OracleConfig>(r.point.arm.policy);
}

std::string Accuracy(const RunRecord& r) {
  if (r.status != RunStatus::kOk && !r.accuracy_percent) return std::string(NameOf(r.status));
  if (!r.accuracy_percent) return "-";
  const std::string text = fmt::format("{:.1f} [{:.1f}, {:.1f}]", r.accuracy_percent->value,
                                       r.accuracy_percent->low, r.accuracy_percent->high);
  return r.status == RunStatus::kOk ? text : fmt::format("{} ({})", text, NameOf(r.status));
}

struct Column {
  const char* title;
  bool is_text;  // aligned to the left
  std::string (*cell)(const RunRecord&);
};

const std::array kColumns = {
    Column{"task", true, [](const RunRecord& r) { return r.point.task; }},
    Column{"length", false, [](const RunRecord& r) { return fmt::format("{}", r.point.length); }},
    Column{"scoring", true,
           [](const RunRecord& r) { return std::string(EnumName(r.point.scoring)); }},
    Column{"arm", true, [](const RunRecord& r) { return r.point.arm.label; }},
    Column{"n", false, [](const RunRecord& r) { return fmt::format("{}", r.n); }},
    Column{"acc % [low, high]", true, Accuracy},
    Column{"density sparse/all", false,
           [](const RunRecord& r) { return Pair(r.prefill_density_sparse, r.prefill_density); }},
    Column{
        "hit rate prefill/decode", false,
        [](const RunRecord& r) { return Pair(r.prefill_hit_rate_mean, r.decode_hit_rate_mean); }},
    Column{"TTFT s", false, [](const RunRecord& r) { return IfAny(r.ttft.median_s, "{:.3f}"); }},
    Column{"x dense", false,
           [](const RunRecord& r) {
             return ClaimsTimes(r) ? IfAny(r.ttft.speedup_vs_dense, "{:.2f}") : "-";
           }},
    Column{"attention x dense", false,
           [](const RunRecord& r) {
             return ClaimsTimes(r) ? IfAny(r.prefill_attention.speedup_vs_dense, "{:.2f}") : "-";
           }},
    Column{"TPOT ms", false,
           [](const RunRecord& r) { return IfAny(r.tpot.median_s, "{:.1f}", 1e3); }},
    Column{"peak MiB", false,
           [](const RunRecord& r) {
             return r.n > 0 ? fmt::format("{:.1f}", static_cast<double>(r.peak_bytes) / 1048576.0)
                            : "-";
           }},
};

void AppendPadded(std::string& line, const std::string& cell, int width, bool is_text) {
  const std::string pad(static_cast<size_t>(std::max(0, width - DisplayWidth(cell))), ' ');
  if (!line.empty()) line += "  ";
  line += is_text ? cell + pad : pad + cell;
}

std::string PointName(const RunRecord& r) {
  return fmt::format("{} {} {} {}", r.point.task, r.point.length, EnumName(r.point.scoring),
                     r.point.arm.label);
}

}  // namespace

int DisplayWidth(std::string_view text) {
  int width = 0;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = NextCodePoint(text, at);
    width += IsIn(kZero, c) ? 0 : IsIn(kWide, c) ? 2 : 1;
  }
  return width;
}

std::string RecordTable(std::span<const RunRecord> records) {
  std::vector<std::vector<std::string>> rows(1);
  for (const Column& column : kColumns) rows[0].push_back(column.title);
  for (const RunRecord& record : records) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Column& column : kColumns) row.push_back(column.cell(record));
  }
  std::array<int, kColumns.size()> widths{};
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], DisplayWidth(row[c]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      AppendPadded(line, row[c], widths[c], kColumns[c].is_text);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  bool has_oracle = false;
  for (const RunRecord& record : records) {
    has_oracle = has_oracle || !ClaimsTimes(record);
    if (record.status != RunStatus::kOk && record.status != RunStatus::kInterrupted) {
      text += fmt::format("{}: {}: {}\n", NameOf(record.status), PointName(record), record.detail);
    }
    for (const std::string& warning : record.warnings) {
      text += fmt::format("warning: {}: {}\n", PointName(record), warning);
    }
  }
  if (has_oracle)
    text += "The oracle's times are no claim: it reads every score in order to choose.\n";
  return text;
}

std::string RecordLine(const RunRecord& record) {
  std::string line = PointName(record) + ": ";
  if (record.n == 0) return line + fmt::format("{}: {}", NameOf(record.status), record.detail);
  line += fmt::format("accuracy {}", Accuracy(record));
  if (record.prefill_density_sparse || record.prefill_density) {
    line +=
        fmt::format(", density {}", Pair(record.prefill_density_sparse, record.prefill_density));
  }
  if (record.ttft.median_s) line += fmt::format(", TTFT {:.3f} s", *record.ttft.median_s);
  if (record.tpot.median_s) line += fmt::format(", TPOT {:.1f} ms", *record.tpot.median_s * 1e3);
  return line;
}

}  // namespace sw
