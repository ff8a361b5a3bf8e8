#include "tasks/ruler/niah_draw.h"

#include "core/base/check.h"
#include "tasks/ruler/niah_prompt.h"

#include <algorithm>

namespace sw {
namespace {

std::string DrawWords(const WordList& words, Rng& rng) {
  const std::string& adjective = words.adjectives[rng.Below(words.adjectives.size())];
  return adjective + "-" + words.nouns[rng.Below(words.nouns.size())];
}

std::string DrawUuid(Rng& rng) {
  const uint64_t random_high = rng.NextBits();
  const uint64_t random_low = rng.NextBits();
  const uint64_t high = (random_high & ~0xF000ull) | 0x4000ull;              // version 4
  const uint64_t low = (random_low & 0x3FFFFFFFFFFFFFFFull) | (1ull << 63);  // variant bits 10
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF,
                     high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFFull);
}

}  // namespace

std::string DrawContent(NiahContent content, const WordList* words, Rng& rng) {
  switch (content) {
    case NiahContent::kWords:
      SW_CHECK(words != nullptr, "whoever makes the task checks that the word list is there");
      return DrawWords(*words, rng);
    case NiahContent::kNumbers:
      return fmt::format("{}", rng.Between(1000000, 9999999));
    case NiahContent::kUuids:
      return DrawUuid(rng);
  }
  SW_CHECK(false, "no such content");
  return {};
}

NiahDraw::NiahDraw(const NiahConfig& niah, const WordList* words, uint64_t seed,
                   const std::string& stream)
    : niah_(niah),
      words_(words),
      seed_(seed),
      stream_(stream),
      distractor_rng_(Stream("distractors")) {
  DrawNeedles();
}

Rng NiahDraw::Stream(const char* purpose) const {
  return Rng(seed_, StreamOf(stream_ + "/" + purpose));
}

void NiahDraw::DrawNeedles() {
  struct Needle {
    size_t key_idx;
    std::string sentence;
  };
  const size_t num_keys = static_cast<size_t>(std::max(niah_.num_keys, niah_.num_queries));
  Rng content_rng = Stream("needles");
  std::vector<std::string> keys;
  std::vector<std::vector<std::string>> values(num_keys);
  std::vector<Needle> needles;
  for (size_t k = 0; k < num_keys; ++k) {
    // Equal keys are as possible as upstream: about one in six million per pair.
    keys.push_back(DrawContent(niah_.key, words_, content_rng));
    for (int v = 0; v < niah_.num_values; ++v) {
      values[k].push_back(DrawContent(niah_.value, words_, content_rng));
      needles.push_back({k, NeedleSentence(niah_.value, keys[k], values[k].back())});
    }
  }
  Rng order_rng = Stream("order");
  order_rng.Shuffle(needles);

  std::vector<bool> is_queried(num_keys, false);
  Rng query_rng = Stream("queries");
  for (const uint64_t k : query_rng.Sample(num_keys, static_cast<uint64_t>(niah_.num_queries))) {
    is_queried[k] = true;
    needles_.query_keys.push_back(keys[k]);
    needles_.outputs.insert(needles_.outputs.end(), values[k].begin(), values[k].end());
  }
  for (Needle& needle : needles) {
    needles_.sentences.push_back(std::move(needle.sentence));
    needles_.queried.push_back(is_queried[needle.key_idx]);
  }
}

const std::string& NiahDraw::HaystackLine(int i) {
  static const std::string kNoise(kNoiseLine);
  if (niah_.haystack == NiahHaystack::kNoise) return kNoise;
  while (distractors_.size() <= static_cast<size_t>(i)) {
    const std::string key = DrawContent(niah_.key, words_, distractor_rng_);
    const std::string value = DrawContent(niah_.value, words_, distractor_rng_);
    distractors_.push_back(NeedleSentence(niah_.value, key, value));
  }
  return distractors_[static_cast<size_t>(i)];
}

std::vector<int> NiahDraw::NeedleLines(int units) const {
  Rng rng = Stream("lines");
  std::vector<int> lines;
  for (const uint64_t line : rng.Sample(static_cast<uint64_t>(units), needles_.sentences.size())) {
    lines.push_back(static_cast<int>(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

NiahContext NiahDraw::Context(int units) {
  SW_CHECK(units >= static_cast<int>(needles_.sentences.size()));
  NiahContext context;
  const auto add_line = [&](const std::string& line) {
    if (!context.text.empty()) context.text += '\n';
    context.text += line;
  };
  const std::vector<int> needle_lines = NeedleLines(units);
  size_t placed = 0;
  for (int i = 0; i < units; ++i) {
    if (placed < needle_lines.size() && needle_lines[placed] == i) {
      // The first sentence belongs to the last line of the ascending list.
      const size_t needle = needle_lines.size() - 1 - placed;
      add_line(needles_.sentences[needle]);
      if (needles_.queried[needle]) {
        const size_t end = context.text.size();
        context.queried.push_back({end - needles_.sentences[needle].size(), end});
      }
      ++placed;
    }
    add_line(HaystackLine(i));
  }
  return context;
}

}  // namespace sw
