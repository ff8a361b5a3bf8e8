#include "harness/io/special_tokens.h"

#include <algorithm>
#include <utility>

namespace sw {

void SpecialTokens::Add(std::string spelling, int32_t id) {
  if (spelling.empty() || IdOf(spelling) >= 0) return;
  auto& entries = by_first_byte_[static_cast<uint8_t>(spelling[0])];
  const auto shorter = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.spelling.size() < spelling.size();
  });
  entries.insert(shorter, Entry{std::move(spelling), id});
}

std::optional<SpecialTokens::Match> SpecialTokens::FindNext(std::string_view text,
                                                            size_t pos) const {
  for (; pos < text.size(); ++pos) {
    const std::string_view rest = text.substr(pos);
    for (const Entry& entry : by_first_byte_[static_cast<uint8_t>(rest[0])]) {
      if (rest.starts_with(entry.spelling)) {
        return Match{pos, pos + entry.spelling.size(), entry.id};
      }
    }
  }
  return std::nullopt;
}

int32_t SpecialTokens::IdOf(std::string_view spelling) const {
  if (spelling.empty()) return -1;
  for (const Entry& entry : by_first_byte_[static_cast<uint8_t>(spelling[0])]) {
    if (entry.spelling == spelling) return entry.id;
  }
  return -1;
}

}  // namespace sw
