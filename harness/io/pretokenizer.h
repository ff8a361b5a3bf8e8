// Cuts text into the pieces ("words") that BPE merges within.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace sw {

struct TextRange {
  size_t begin = 0;  // bytes, half-open
  size_t end = 0;
  bool operator==(const TextRange&) const = default;
};

// Safe to use from several threads at once.
class Pretokenizer {
 public:
  // `gpt2`, `smollm` or `llama-bpe`, or another name that GGUF files give to the same rules.
  // Throws UserError with the supported names for any other.
  static Pretokenizer ByName(std::string_view name);

  Pretokenizer(Pretokenizer&&) noexcept;
  Pretokenizer& operator=(Pretokenizer&&) noexcept;
  ~Pretokenizer();

  // Appends the pieces of `text` in order; together they cover it without gap or overlap. A byte
  // that is not part of well-formed UTF-8 is a piece of its own.
  void Split(std::string_view text, std::vector<TextRange>* pieces) const;

  // Llama 3's rule: a piece that is a token as a whole is not merged from its bytes.
  bool whole_piece_first() const { return whole_piece_first_; }
  // Whether checkpoints with these rules want a BOS when they do not say.
  bool adds_bos_by_default() const { return adds_bos_by_default_; }

 private:
  struct Pattern;
  Pretokenizer(std::unique_ptr<const Pattern> pattern, bool whole_piece_first,
               bool adds_bos_by_default);

  std::unique_ptr<const Pattern> pattern_;
  bool whole_piece_first_;
  bool adds_bos_by_default_;
};

}  // namespace sw
