// Byte-level BPE (GPT-2's, SmolLM's, Llama 3's) from a checkpoint's own tables.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/text/tokenizer.h"
#include "harness/io/bpe_merges.h"
#include "harness/io/gguf.h"
#include "harness/io/pretokenizer.h"
#include "harness/io/special_tokens.h"

namespace sw {

enum class TokenKind {
  kOrdinary,     // spelt in byte-map characters (byte_map.h)
  kControl,      // spelt as it is; special: carries no text of the answer
  kUserDefined,  // spelt as it is and matched in text, but text all the same
};

struct BpeTables {
  std::string pretokenizer;         // a name that Pretokenizer::ByName knows
  std::vector<std::string> tokens;  // by id, in the vocabulary's spelling
  std::vector<TokenKind> kinds;     // by id
  std::vector<std::string> merges;  // "left right", by rank
  int32_t bos_to_add = -1;          // as Tokenizer::bos_to_add
  std::vector<int32_t> stop_ids;
};

// Safe to use from several threads at once.
class BpeTokenizer final : public Tokenizer {
 public:
  // Throws UserError when the tables contradict themselves (a merge of tokens that do not exist).
  explicit BpeTokenizer(const BpeTables& tables);

  Encoding Encode(std::string_view text) const override;
  std::string Decode(std::span<const int32_t> ids) const override;
  int vocab_size() const override { return static_cast<int>(bytes_of_id_.size()); }
  // `piece` is what Decode gives for the token: " world" with its space, "<|im_end|>" as spelt.
  int32_t IdOf(std::string_view piece) const override;
  // Control tokens only: user-defined ones stand for text.
  bool IsSpecial(int32_t id) const override;
  int32_t bos_to_add() const override { return bos_to_add_; }
  std::span<const int32_t> stop_ids() const override { return stop_ids_; }

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <class Value>
  using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

  void AddTokens(const BpeTables& tables);
  void AddMerges(const BpeTables& tables);
  // `text` holds no special tokens; it begins at byte `base` of the whole.
  void EncodePlain(std::string_view text, size_t base, Encoding* out) const;
  void AppendPiece(std::string_view piece, size_t base, Encoding* out) const;
  std::vector<BpeToken> MergePiece(std::string_view piece) const;

  Pretokenizer pretokenizer_;
  std::vector<std::string> bytes_of_id_;  // what Decode gives
  std::vector<bool> is_control_;
  TextMap<int32_t> ordinary_ids_;  // by bytes
  SpecialTokens specials_;
  std::unique_ptr<BpeMerges> merges_;
  int32_t bos_to_add_;
  std::vector<int32_t> stop_ids_;

  // Natural text repeats its words, so most pieces are looked up and few are merged.
  mutable std::mutex cache_mutex_;
  mutable TextMap<std::vector<BpeToken>> cache_;
};

// The tokenizer that a GGUF checkpoint carries. Throws UserError when it is of another kind.
std::unique_ptr<Tokenizer> TokenizerFromGguf(const GgufFile& file);

}  // namespace sw
