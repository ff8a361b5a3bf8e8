// The tokenizer tables of a GGUF file, as BpeTables.
#include <algorithm>

#include "core/base/check.h"
#include "harness/io/bpe_tokenizer.h"
#include "harness/io/utf8.h"

namespace sw {
namespace {

// Token types of the format.
enum : int64_t { kNormal = 1, kUnknown, kControlType, kUserDefinedType, kUnused, kByte };

// Chat formats end a turn with one of these even where EOS is another token.
constexpr std::string_view kEndOfTurn[] = {"<|im_end|>", "<|eot_id|>", "<|endoftext|>"};

std::vector<TokenKind> ReadKinds(const GgufFile& file, size_t num_tokens) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  std::vector<TokenKind> kinds(num_tokens, TokenKind::kOrdinary);
  const auto types = file.FindInts(kKey);
  if (!types) return kinds;
  if (types->size() != num_tokens) {
    file.FailKey(kKey, fmt::format("{} entries for {} tokens; fetch the checkpoint again",
                                   types->size(), num_tokens));
  }
  for (size_t i = 0; i < num_tokens; ++i) {
    switch ((*types)[i]) {
      case kNormal:
      case kUnused:
      case kByte:
        break;
      case kUnknown:
      case kControlType:
        kinds[i] = TokenKind::kControl;
        break;
      case kUserDefinedType:
        kinds[i] = TokenKind::kUserDefined;
        break;
      default:
        file.FailKey(kKey,
                     fmt::format("token {} has the unknown type {}; fetch the checkpoint again", i,
                                 (*types)[i]));
    }
  }
  return kinds;
}

// The token id under `key`, or -1 when the key is absent.
int32_t ReadId(const GgufFile& file, std::string_view key, size_t num_tokens) {
  const auto id = file.FindInt(key);
  if (!id) return -1;
  if (*id < 0 || *id >= static_cast<int64_t>(num_tokens)) {
    file.FailKey(
        key, fmt::format("{} is no token of a vocabulary of {}; fetch the checkpoint again", *id,
                         num_tokens));
  }
  return static_cast<int32_t>(*id);
}

std::vector<int32_t> ReadStopIds(const GgufFile& file, const BpeTables& tables) {
  std::vector<int32_t> stop_ids;
  const auto add = [&](int32_t id) {
    if (id >= 0 && std::find(stop_ids.begin(), stop_ids.end(), id) == stop_ids.end()) {
      stop_ids.push_back(id);
    }
  };
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"}) {
    add(ReadId(file, key, tables.tokens.size()));
  }
  for (const std::string_view spelling : kEndOfTurn) {
    for (size_t i = 0; i < tables.tokens.size(); ++i) {
      if (tables.kinds[i] != TokenKind::kOrdinary && tables.tokens[i] == spelling) {
        add(static_cast<int32_t>(i));
      }
    }
  }
  return stop_ids;
}

int32_t ReadBosToAdd(const GgufFile& file, size_t num_tokens, bool add_by_default) {
  constexpr std::string_view kKey = "tokenizer.ggml.bos_token_id";
  if (!file.FindBool("tokenizer.ggml.add_bos_token").value_or(add_by_default)) return -1;
  const int32_t bos = ReadId(file, kKey, num_tokens);
  if (bos < 0) {
    file.FailKey(kKey,
                 "this metadata key is missing, though prompts are to begin with a BOS; "
                 "convert the checkpoint again with a current converter");
  }
  return bos;
}

// Errors of code that knows tables but no file get the path in front.
template <class Make>
auto WithPath(const GgufFile& file, Make&& make) {
  try {
    return make();
  } catch (const UserError& error) {
    FailUser("{}: {}", file.path(), error.what());
  }
}

template <class Text>
std::vector<std::string> Owned(const std::vector<Text>& views) {
  return {views.begin(), views.end()};
}

}  // namespace

std::unique_ptr<Tokenizer> TokenizerFromGguf(const GgufFile& file) {
  const std::string_view model = file.RequireString("tokenizer.ggml.model");
  if (model != "gpt2") {
    file.FailKey("tokenizer.ggml.model",
                 fmt::format("'{}' is not supported, only gpt2 (byte-level BPE) is; take a "
                             "checkpoint such as SmolLM2 or Llama 3",
                             Printable(model)));
  }
  BpeTables tables;
  tables.pretokenizer = file.RequireString("tokenizer.ggml.pre");
  tables.tokens = Owned(file.RequireStrings("tokenizer.ggml.tokens"));
  tables.kinds = ReadKinds(file, tables.tokens.size());
  tables.merges = Owned(file.RequireStrings("tokenizer.ggml.merges"));
  const bool adds_bos = WithPath(
      file, [&] { return Pretokenizer::ByName(tables.pretokenizer).adds_bos_by_default(); });
  tables.bos_to_add = ReadBosToAdd(file, tables.tokens.size(), adds_bos);
  tables.stop_ids = ReadStopIds(file, tables);
  return WithPath(file, [&] { return std::make_unique<BpeTokenizer>(tables); });
}

}  // namespace sw
