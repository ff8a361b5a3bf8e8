#include "tasks/ruler/fake_tokenizer.h"

#include <algorithm>
#include <cctype>

namespace sw {
namespace {

bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

}  // namespace

FakeTokenizer::FakeTokenizer(const Options& options) : options_(options) {
  for (const std::string& special : options_.specials) Intern(special);
}

int32_t FakeTokenizer::Intern(std::string_view piece) const {
  const auto known = ids_.find(piece);
  if (known != ids_.end()) return known->second;
  const auto id = static_cast<int32_t>(pieces_.size());
  pieces_.emplace_back(piece);
  ids_.emplace(piece, id);
  return id;
}

size_t FakeTokenizer::PieceLength(std::string_view text) const {
  for (const std::string& special : options_.specials) {
    if (text.starts_with(special)) return special.size();
  }
  const size_t begin = text.size() > 1 && text[0] == ' ' && IsLetter(text[1]) ? 1 : 0;
  size_t end = begin;
  while (end < text.size() && end < options_.piece_size && IsLetter(text[end])) ++end;
  return std::max<size_t>(end, 1);
}

Encoding FakeTokenizer::Encode(std::string_view text) const {
  ++num_encodes_;
  bytes_encoded_ += text.size();
  Encoding encoding;
  if (options_.leading_mark) {
    encoding.ids.push_back(Intern(""));
    encoding.offsets.push_back(0);
  }
  for (size_t at = 0; at < text.size();) {
    const size_t length = PieceLength(text.substr(at));
    encoding.ids.push_back(Intern(text.substr(at, length)));
    encoding.offsets.push_back(static_cast<int32_t>(at));
    at += length;
  }
  return encoding;
}

std::string FakeTokenizer::Decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) text += pieces_.at(static_cast<size_t>(id));
  return text;
}

int32_t FakeTokenizer::IdOf(std::string_view piece) const {
  const auto known = ids_.find(piece);
  return known == ids_.end() ? -1 : known->second;
}

bool FakeTokenizer::IsSpecial(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < options_.specials.size();
}

}  // namespace sw
