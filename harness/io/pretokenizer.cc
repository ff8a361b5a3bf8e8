#define PCRE2_CODE_UNIT_WIDTH 8
#include "harness/io/pretokenizer.h"

#include <pcre2.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "harness/io/utf8.h"

namespace sw {
namespace {

// Unicode's White_Space, for use inside a character class. PCRE2's own \s counts U+180E too.
#define SW_SPACE                                      \
  R"(\x{9}-\x{D}\x{20}\x{85}\x{A0}\x{1680}\x{2000}-)" \
  R"(\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})"

constexpr char kGpt2[] =
    "'s|'t|'re|'ve|'m|'ll|'d"
    R"(| ?\p{L}+| ?\p{N}+| ?[^)" SW_SPACE R"(\p{L}\p{N}]+)"
    "|[" SW_SPACE "]+(?![^" SW_SPACE "])|[" SW_SPACE "]+";

// Defined as: first every number character is a piece of its own, then the GPT-2 pattern runs in
// each stretch between them. In one pass that is the GPT-2 pattern with \p{N} alone for numbers and
// a look-ahead that takes a number for the end of the stretch.
constexpr char kSmolLm[] =
    "'s|'t|'re|'ve|'m|'ll|'d"
    R"(| ?\p{L}+|\p{N}| ?[^)" SW_SPACE R"(\p{L}\p{N}]+)"
    "|[" SW_SPACE "]+(?![^" SW_SPACE R"(\p{N}])|[)" SW_SPACE "]+";

constexpr char kLlama3[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
    R"(| ?[^)" SW_SPACE R"(\p{L}\p{N}]+[\r\n]*)"
    "|[" SW_SPACE R"(]*[\r\n]+|[)" SW_SPACE "]+(?![^" SW_SPACE "])|[" SW_SPACE "]+";

#undef SW_SPACE

struct Rules {
  std::string_view name;
  const char* pattern;
  bool whole_piece_first;
  bool adds_bos_by_default;
};

constexpr Rules kRules[] = {
    {"gpt2", kGpt2, false, false},     {"gpt-2", kGpt2, false, false},
    {"smollm", kSmolLm, false, false}, {"llama-bpe", kLlama3, true, true},
    {"llama3", kLlama3, true, true},   {"llama-v3", kLlama3, true, true},
};

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

struct Pretokenizer::Pattern {
  explicit Pattern(const char* source) {
    int error = 0;
    PCRE2_SIZE error_at = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source), PCRE2_ZERO_TERMINATED, PCRE2_UTF,
                         &error, &error_at, nullptr);
    SW_CHECK(code != nullptr, "PCRE2 error {} at {} of {}", error, error_at, source);
    // Where PCRE2 was built without a JIT this fails, and matching is slower but the same.
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern() { pcre2_code_free(code); }

  pcre2_code* code;
};

Pretokenizer::Pretokenizer(std::unique_ptr<const Pattern> pattern, bool whole_piece_first,
                           bool adds_bos_by_default)
    : pattern_(std::move(pattern)),
      whole_piece_first_(whole_piece_first),
      adds_bos_by_default_(adds_bos_by_default) {}
Pretokenizer::Pretokenizer(Pretokenizer&&) noexcept = default;
Pretokenizer& Pretokenizer::operator=(Pretokenizer&&) noexcept = default;
Pretokenizer::~Pretokenizer() = default;

Pretokenizer Pretokenizer::ByName(std::string_view name) {
  const auto* rules = std::find_if(std::begin(kRules), std::end(kRules),
                                   [&](const Rules& r) { return r.name == name; });
  if (rules == std::end(kRules)) {
    FailUser(
        "pre-tokenizer '{}' is not supported; supported are gpt2, smollm and llama-bpe: take "
        "a checkpoint with one of those",
        Printable(name));
  }
  return Pretokenizer(std::make_unique<const Pattern>(rules->pattern), rules->whole_piece_first,
                      rules->adds_bos_by_default);
}

void Pretokenizer::Split(std::string_view text, std::vector<TextRange>* pieces) const {
  const std::unique_ptr<pcre2_match_data, FreeMatchData> match(
      pcre2_match_data_create_from_pattern(pattern_->code, nullptr));
  SW_CHECK(match != nullptr);
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(match.get());
  for (size_t pos = 0; pos < text.size();) {
    const size_t run_end = EndOfUtf8Run(text, pos);
    if (run_end == pos) {
      pieces->push_back({pos, pos + 1});
      ++pos;
      continue;
    }
    // The subject ends with the run, so that look-ahead takes a malformed byte for the end.
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    while (pos < run_end) {
      // Checking the UTF-8 again at every match would cost the square of the text's length.
      const int found = pcre2_match(pattern_->code, subject, run_end, pos, PCRE2_NO_UTF_CHECK,
                                    match.get(), nullptr);
      SW_CHECK(found > 0 && bounds[0] == pos && bounds[1] > pos,
               "PCRE2 returned {} at byte {}: the patterns match at every place", found, pos);
      pieces->push_back({pos, bounds[1]});
      pos = bounds[1];
    }
  }
}

}  // namespace sw
