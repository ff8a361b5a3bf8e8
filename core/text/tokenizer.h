// SEAM Tokenizer: text to token ids and back. Implementations are built by harness/io from the
// checkpoint's own tables; tasks use it to fit prompts to a length, the model never sees it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sw {

struct Encoding {
  std::vector<int32_t> ids;
  // Byte offset in the text where each token starts; same length as ids. Tokens that stand for no
  // byte of the text (an added BOS) have the offset of the token after them.
  std::vector<int32_t> offsets;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Special-token strings spelt in `text` (<|im_start|>, ...) become their one id. No BOS is added.
  virtual Encoding Encode(std::string_view text) const = 0;
  // Bytes of the ids, special tokens by their spelling. May end in the middle of a UTF-8 sequence.
  virtual std::string Decode(std::span<const int32_t> ids) const = 0;

  virtual int vocab_size() const = 0;
  // The id of a token's exact spelling, or -1.
  virtual int32_t IdOf(std::string_view piece) const = 0;
  virtual bool IsSpecial(int32_t id) const = 0;
  // Id of the BOS that the checkpoint wants in front of every prompt, or -1 when it wants none.
  virtual int32_t bos_to_add() const = 0;
  // Generation ends at any of these (EOS, end of turn).
  virtual std::span<const int32_t> stop_ids() const = 0;
};

}  // namespace sw
