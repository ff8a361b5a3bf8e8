// Tokens that are matched by their spelling before anything else (<|im_start|>, ...).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sw {

class SpecialTokens {
 public:
  struct Match {
    size_t begin = 0;  // bytes of the text, half-open
    size_t end = 0;
    int32_t id = 0;
  };

  // An empty spelling is ignored; of two equal ones the first stays.
  void Add(std::string spelling, int32_t id);

  // The leftmost match that begins at `pos` or later, the longest where several begin together.
  std::optional<Match> FindNext(std::string_view text, size_t pos) const;
  // The id of exactly this spelling, or -1.
  int32_t IdOf(std::string_view spelling) const;

 private:
  struct Entry {
    std::string spelling;
    int32_t id;
  };
  // By first byte, each list from the longest spelling to the shortest.
  std::array<std::vector<Entry>, 256> by_first_byte_;
};

}  // namespace sw
