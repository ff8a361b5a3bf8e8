#include "harness/io/bpe_merges.h"

#include <limits>
#include <string>

#include "core/base/rng.h"
#include "core/testing/catch.h"

namespace sw {
namespace {

struct NamedRule {
  int32_t left, right, merged;
};

std::array<int32_t, 256> IdentityBytes() {
  std::array<int32_t, 256> ids;
  for (int byte = 0; byte < 256; ++byte) ids[byte] = byte;
  return ids;
}

// The definition, step by step: find the lowest rank, leftmost, merge that one pair, start again.
std::vector<BpeToken> EncodeByDefinition(std::string_view piece,
                                         const std::vector<NamedRule>& rules) {
  std::vector<BpeToken> tokens;
  for (size_t i = 0; i < piece.size(); ++i) {
    tokens.push_back({static_cast<unsigned char>(piece[i]), static_cast<int32_t>(i)});
  }
  while (true) {
    size_t best_rank = rules.size(), best_at = 0;
    for (size_t at = 0; at + 1 < tokens.size(); ++at) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        if (rules[rank].left == tokens[at].id && rules[rank].right == tokens[at + 1].id) {
          best_rank = rank;
          best_at = at;
        }
      }
    }
    if (best_rank == rules.size()) return tokens;
    tokens[best_at].id = rules[best_rank].merged;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
}

}  // namespace

TEST_CASE("merges go by rank, then from the left") {
  BpeMerges merges(IdentityBytes());
  merges.Add('b', 'c', 300);
  merges.Add('a', 'b', 301);
  merges.Add('a', 'a', 302);
  merges.Add('a', 300, 303);
  CHECK(merges.Encode("abc") == std::vector<BpeToken>{{303, 0}});
  CHECK(merges.Encode("aab") == std::vector<BpeToken>{{'a', 0}, {301, 1}});
  CHECK(merges.Encode("aaaaa") == std::vector<BpeToken>{{302, 0}, {302, 2}, {'a', 4}});
  CHECK(merges.Encode("") == std::vector<BpeToken>{});
  CHECK(merges.Encode("z") == std::vector<BpeToken>{{'z', 0}});
}

TEST_CASE("of two rules for a pair the first counts") {
  BpeMerges merges(IdentityBytes());
  merges.Add('a', 'b', 300);
  merges.Add('b', 'c', 301);
  merges.Add('a', 'b', 302);
  CHECK(merges.Encode("abc") == std::vector<BpeToken>{{300, 0}, {'c', 2}});
}

TEST_CASE("bytes without a token encode to nothing, offsets stay true") {
  auto ids = IdentityBytes();
  ids['x'] = -1;
  BpeMerges merges(ids);
  merges.Add('a', 'b', 300);
  CHECK(merges.Encode("xxaxcab") == std::vector<BpeToken>{{'a', 2}, {'c', 4}, {300, 5}});
  CHECK(merges.Encode("xx").empty());
}

TEST_CASE("random rules and pieces agree with the definition") {
  Rng rng(5, StreamOf("bpe"));
  for (int round = 0; round < 400; ++round) {
    // Rules over a few letters and over the results of other rules, later ones among them, so that
    // a merge can open a pair of a lower rank.
    std::vector<NamedRule> rules;
    const auto num_rules = static_cast<int32_t>(rng.Between(0, 25));
    const auto symbol = [&] {
      return rng.Below(2) == 0 ? static_cast<int32_t>('a' + rng.Below(3))
                               : static_cast<int32_t>(300 + rng.Below(num_rules + 1));
    };
    BpeMerges merges(IdentityBytes());
    for (int32_t i = 0; i < num_rules; ++i) {
      rules.push_back({symbol(), symbol(), 300 + i});
      merges.Add(rules.back().left, rules.back().right, rules.back().merged);
    }
    for (int piece_idx = 0; piece_idx < 10; ++piece_idx) {
      std::string piece;
      const uint64_t length = rng.Below(33);
      for (uint64_t i = 0; i < length; ++i) piece += static_cast<char>('a' + rng.Below(3));
      INFO("piece " << piece << ", round " << round);
      REQUIRE(merges.Encode(piece) == EncodeByDefinition(piece, rules));
    }
  }
}

}  // namespace sw
