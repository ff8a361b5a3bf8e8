// A tokenizer for tests: special tokens whole, digits one by one, everything else in pieces of a
// few characters. Ids are given out in order of appearance, so they mean nothing across objects.
#pragma once

#include "core/text/tokenizer.h"

#include <map>
#include <string>
#include <vector>

namespace sw {

class FakeTokenizer final : public Tokenizer {
 public:
  struct Options {
    std::vector<std::string> specials = {};
    size_t piece_size = 3;      // letters per token; a space in front of a word belongs to it
    std::string bos = {};       // one of `specials`, or empty for a checkpoint that wants none
    bool leading_mark = false;  // like SentencePiece: a first token that stands for no byte
  };

  explicit FakeTokenizer(const Options& options);

  Encoding Encode(std::string_view text) const override;
  std::string Decode(std::span<const int32_t> ids) const override;
  int vocab_size() const override { return static_cast<int>(pieces_.size()); }
  int32_t IdOf(std::string_view piece) const override;
  bool IsSpecial(int32_t id) const override;
  int32_t bos_to_add() const override { return options_.bos.empty() ? -1 : IdOf(options_.bos); }
  std::span<const int32_t> stop_ids() const override { return {}; }

  int num_encodes() const { return num_encodes_; }
  size_t bytes_encoded() const { return bytes_encoded_; }

 private:
  int32_t Intern(std::string_view piece) const;
  size_t PieceLength(std::string_view text) const;

  Options options_;
  mutable std::vector<std::string> pieces_;
  mutable std::map<std::string, int32_t, std::less<>> ids_;
  mutable int num_encodes_ = 0;
  mutable size_t bytes_encoded_ = 0;
};

}  // namespace sw
