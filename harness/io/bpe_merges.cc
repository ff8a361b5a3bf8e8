#include "harness/io/bpe_merges.h"

#include <queue>
#include <tuple>

namespace sw {
namespace {

// A token in the making; merged-away ones are unlinked and have id -1.
struct Symbol {
  int32_t id;
  int32_t offset;
  int32_t prev;  // index of the neighbour, -1 at the ends
  int32_t next;
};

// A merge that was possible when it was queued; stale if either symbol has changed since.
struct Candidate {
  int32_t rank;
  int32_t left;  // index of the left symbol; symbols keep the order of the text
  int32_t left_id, right_id, merged;
};

struct Later {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return std::tie(a.rank, a.left) > std::tie(b.rank, b.left);
  }
};

uint64_t PairKey(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

void BpeMerges::Add(int32_t left, int32_t right, int32_t merged) {
  rules_.try_emplace(PairKey(left, right), Rule{next_rank_++, merged});
}

const BpeMerges::Rule* BpeMerges::Find(int32_t left, int32_t right) const {
  const auto it = rules_.find(PairKey(left, right));
  return it == rules_.end() ? nullptr : &it->second;
}

std::vector<BpeToken> BpeMerges::Encode(std::string_view piece) const {
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  for (size_t i = 0; i < piece.size(); ++i) {
    const int32_t id = byte_ids_[static_cast<uint8_t>(piece[i])];
    if (id < 0) continue;
    const auto index = static_cast<int32_t>(symbols.size());
    symbols.push_back({id, static_cast<int32_t>(i), index - 1, index + 1});
  }
  if (symbols.empty()) return {};
  symbols.back().next = -1;

  std::priority_queue<Candidate, std::vector<Candidate>, Later> queue;
  const auto consider = [&](int32_t left) {
    if (left < 0 || symbols[left].next < 0) return;
    const int32_t left_id = symbols[left].id;
    const int32_t right_id = symbols[symbols[left].next].id;
    if (const Rule* rule = Find(left_id, right_id)) {
      queue.push({rule->rank, left, left_id, right_id, rule->merged});
    }
  };
  for (int32_t i = 0; i < static_cast<int32_t>(symbols.size()); ++i) consider(i);

  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[best.left];
    if (left.id != best.left_id || left.next < 0) continue;
    Symbol& right = symbols[left.next];
    if (right.id != best.right_id) continue;
    left.id = best.merged;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0) symbols[left.next].prev = best.left;
    consider(left.prev);
    consider(best.left);
  }

  std::vector<BpeToken> tokens;
  for (int32_t i = 0; i >= 0; i = symbols[i].next) {
    tokens.push_back({symbols[i].id, symbols[i].offset});
  }
  return tokens;
}

}  // namespace sw
