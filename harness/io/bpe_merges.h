// Byte-pair merging of one piece of text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sw {

struct BpeToken {
  int32_t id = 0;
  int32_t offset = 0;  // byte of the piece where the token starts
  bool operator==(const BpeToken&) const = default;
};

class BpeMerges {
 public:
  // Token of each single byte, -1 where the vocabulary has none: such a byte encodes to nothing,
  // as in other implementations (SmolLM2 lacks a few control characters).
  explicit BpeMerges(const std::array<int32_t, 256>& byte_ids) : byte_ids_(byte_ids) {}

  // Of two rules for the same pair the first stays. Ranks ascend from 0 in the order of the calls.
  void Add(int32_t left, int32_t right, int32_t merged);

  // Starts from bytes; again and again merges the adjacent pair of the lowest rank, leftmost first.
  // O(n log n) in the bytes of the piece.
  std::vector<BpeToken> Encode(std::string_view piece) const;

 private:
  struct Rule {
    int32_t rank;
    int32_t merged;
  };
  const Rule* Find(int32_t left, int32_t right) const;

  std::array<int32_t, 256> byte_ids_;
  std::unordered_map<uint64_t, Rule> rules_;
  int32_t next_rank_ = 0;
};

}  // namespace sw
