#include "harness/io/bpe_tokenizer.h"

#include <limits>
#include <optional>

#include "core/base/check.h"
#include "harness/io/byte_map.h"
#include "harness/io/utf8.h"

namespace sw {
namespace {

// Longer pieces are rare and seldom repeat; the number bounds the cache at some tens of MB.
constexpr size_t kMaxCachedPieceBytes = 64;
constexpr size_t kMaxCachedPieces = 1 << 17;

}  // namespace

BpeTokenizer::BpeTokenizer(const BpeTables& tables)
    : pretokenizer_(Pretokenizer::ByName(tables.pretokenizer)),
      bos_to_add_(tables.bos_to_add),
      stop_ids_(tables.stop_ids) {
  SW_CHECK(tables.tokens.size() == tables.kinds.size());
  const auto check_id = [&](int32_t id, std::string_view what) {
    if (id < 0 || static_cast<size_t>(id) >= tables.tokens.size()) {
      FailUser(
          "the {} token has id {}, the vocabulary has {} tokens; the tokenizer's tables are "
          "damaged: fetch the checkpoint again",
          what, id, tables.tokens.size());
    }
  };
  if (bos_to_add_ != -1) check_id(bos_to_add_, "BOS");
  for (const int32_t id : stop_ids_) check_id(id, "stop");
  AddTokens(tables);
  AddMerges(tables);
}

void BpeTokenizer::AddTokens(const BpeTables& tables) {
  bytes_of_id_.reserve(tables.tokens.size());
  is_control_.reserve(tables.tokens.size());
  ordinary_ids_.reserve(tables.tokens.size());
  for (size_t i = 0; i < tables.tokens.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    const std::string& spelling = tables.tokens[i];
    is_control_.push_back(tables.kinds[i] == TokenKind::kControl);
    if (tables.kinds[i] == TokenKind::kOrdinary) {
      // An entry outside the byte map can only be decoded; it stands for its own spelling.
      bytes_of_id_.push_back(BytesOfSpelling(spelling).value_or(spelling));
      if (!bytes_of_id_.back().empty()) ordinary_ids_.try_emplace(bytes_of_id_.back(), id);
    } else {
      bytes_of_id_.push_back(spelling);
      specials_.Add(spelling, id);
    }
  }
}

void BpeTokenizer::AddMerges(const BpeTables& tables) {
  const auto ordinary_id = [&](std::string_view bytes) {
    const auto it = ordinary_ids_.find(bytes);
    return it == ordinary_ids_.end() ? -1 : it->second;
  };
  std::array<int32_t, 256> byte_ids;
  for (int byte = 0; byte < 256; ++byte) {
    const char as_char = static_cast<char>(byte);
    byte_ids[byte] = ordinary_id({&as_char, 1});
  }
  merges_ = std::make_unique<BpeMerges>(byte_ids);
  for (size_t rank = 0; rank < tables.merges.size(); ++rank) {
    const std::string_view rule = tables.merges[rank];
    const auto fail = [&](std::string_view what) {
      FailUser(
          "merge rule {} of the tokenizer, '{}', {}; its tables are damaged: fetch the "
          "checkpoint again",
          rank, Printable(rule), what);
    };
    const size_t space = rule.find(' ', 1);
    if (space == std::string_view::npos) fail("is not two tokens with a space between them");
    const auto left = BytesOfSpelling(rule.substr(0, space));
    const auto right = BytesOfSpelling(rule.substr(space + 1));
    if (!left || !right) fail("is not spelt in byte-level characters");
    const int32_t left_id = ordinary_id(*left);
    const int32_t right_id = ordinary_id(*right);
    const int32_t merged = ordinary_id(*left + *right);
    if (left_id < 0 || right_id < 0 || merged < 0) {
      fail("speaks of a token that is not in the vocabulary");
    }
    merges_->Add(left_id, right_id, merged);
  }
}

Encoding BpeTokenizer::Encode(std::string_view text) const {
  if (text.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    FailUser("a text of {} bytes is too long to tokenise in one go; 2 GiB is the limit",
             text.size());
  }
  Encoding out;
  for (size_t pos = 0; pos < text.size();) {
    const auto special = specials_.FindNext(text, pos);
    const size_t plain_end = special ? special->begin : text.size();
    EncodePlain(text.substr(pos, plain_end - pos), pos, &out);
    if (!special) break;
    out.ids.push_back(special->id);
    out.offsets.push_back(static_cast<int32_t>(special->begin));
    pos = special->end;
  }
  return out;
}

void BpeTokenizer::EncodePlain(std::string_view text, size_t base, Encoding* out) const {
  std::vector<TextRange> pieces;
  pretokenizer_.Split(text, &pieces);
  for (const TextRange& piece : pieces) {
    AppendPiece(text.substr(piece.begin, piece.end - piece.begin), base + piece.begin, out);
  }
}

void BpeTokenizer::AppendPiece(std::string_view piece, size_t base, Encoding* out) const {
  const auto append = [&](const std::vector<BpeToken>& tokens) {
    for (const BpeToken& token : tokens) {
      out->ids.push_back(token.id);
      out->offsets.push_back(static_cast<int32_t>(base) + token.offset);
    }
  };
  if (piece.size() > kMaxCachedPieceBytes) return append(MergePiece(piece));
  {
    const std::lock_guard lock(cache_mutex_);
    if (const auto it = cache_.find(piece); it != cache_.end()) return append(it->second);
  }
  std::vector<BpeToken> tokens = MergePiece(piece);
  append(tokens);
  const std::lock_guard lock(cache_mutex_);
  if (cache_.size() >= kMaxCachedPieces) cache_.clear();
  cache_.try_emplace(std::string(piece), std::move(tokens));
}

std::vector<BpeToken> BpeTokenizer::MergePiece(std::string_view piece) const {
  if (pretokenizer_.whole_piece_first()) {
    if (const auto it = ordinary_ids_.find(piece); it != ordinary_ids_.end()) {
      return {{it->second, 0}};
    }
  }
  return merges_->Encode(piece);
}

std::string BpeTokenizer::Decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) {
    SW_CHECK(id >= 0 && id < vocab_size(), "token {} of {}", id, vocab_size());
    text += bytes_of_id_[id];
  }
  return text;
}

int32_t BpeTokenizer::IdOf(std::string_view piece) const {
  if (const int32_t special = specials_.IdOf(piece); special >= 0) return special;
  const auto it = ordinary_ids_.find(piece);
  return it == ordinary_ids_.end() ? -1 : it->second;
}

bool BpeTokenizer::IsSpecial(int32_t id) const {
  SW_CHECK(id >= 0 && id < vocab_size(), "token {} of {}", id, vocab_size());
  return is_control_[id];
}

}  // namespace sw
