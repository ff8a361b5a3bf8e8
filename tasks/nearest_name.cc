#include "tasks/nearest_name.h"

#include "core/base/check.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace sw {
namespace {

// Insertions, deletions and replacements that turn one name into the other.
size_t EditDistance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string SuggestName(std::string_view name, std::span<const std::string> known) {
  SW_CHECK(!known.empty());
  const auto nearest = std::min_element(
      known.begin(), known.end(),
      [&](const auto& a, const auto& b) { return EditDistance(name, a) < EditDistance(name, b); });
  // Further away than a third of its letters, a suggestion is a guess about something else.
  const bool close = EditDistance(name, *nearest) * 3 <= std::max(name.size(), nearest->size());
  return fmt::format("{}known: {}", close ? fmt::format("did you mean {}? ", *nearest) : "",
                     fmt::join(known, ", "));
}

}  // namespace sw
