#include "tasks/ruler/niah.h"

#include "core/base/check.h"
#include "tasks/ruler/fit_units.h"
#include "tasks/ruler/niah_draw.h"
#include "tasks/scoring.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace sw {
namespace {

constexpr int kUpstreamSamples = 500;
constexpr std::array kUpstreamLengths = {4096, 8192, 16384, 32768, 65536, 131072};

std::string_view NameOf(NiahHaystack haystack) {
  return haystack == NiahHaystack::kNoise ? "noise" : "needle";
}

std::string_view NameOf(NiahContent content) {
  if (content == NiahContent::kWords) return "words";
  return content == NiahContent::kNumbers ? "numbers" : "uuids";
}

// The tokens that hold bytes [begin, end), whole tokens at both ends. A token without bytes of its
// own shares its offset with the token after it and is left out at the begin.
TokenRange TokensOf(const std::vector<int32_t>& offsets, size_t begin, size_t end) {
  const auto after_begin = std::upper_bound(
      offsets.begin(), offsets.end(), begin,
      [](size_t byte, int32_t offset) { return byte < static_cast<size_t>(offset); });
  const auto at_end = std::lower_bound(
      offsets.begin(), offsets.end(), end,
      [](int32_t offset, size_t byte) { return static_cast<size_t>(offset) < byte; });
  SW_CHECK(after_begin != offsets.begin(), "the first token starts after byte {}", begin);
  return {static_cast<int>(after_begin - offsets.begin()) - 1,
          static_cast<int>(at_end - offsets.begin())};
}

}  // namespace

// One try at a haystack size.
struct NiahTask::Built {
  int units = 0;
  std::string text;
  Encoding encoding;
  bool adds_bos = false;
  std::vector<NiahContext::Bytes> queried;  // in `text`

  int num_tokens() const { return static_cast<int>(encoding.ids.size()) + (adds_bos ? 1 : 0); }
};

NiahTask::NiahTask(std::string name, const NiahConfig& niah, const TaskConfig& config, int length,
                   const RulerData& data)
    : name_(std::move(name)),
      niah_(niah),
      length_(length),
      max_new_tokens_(config.max_new_tokens.value_or(kNiahMaxNewTokens)),
      seed_(config.seed),
      num_samples_(config.samples),
      words_name_(config.words),
      data_(data) {
  SW_CHECK(data_.tokenizer != nullptr);
  Validate();
  prompt_template_ = NiahPromptTemplate(data_.model_template, singular());
}

void NiahTask::Validate() const {
  const auto at_least_one = [&](const char* field, int value) {
    if (value < 1) FailUser("task {}: {} is {}, must be at least 1", name_, field, value);
  };
  at_least_one("length", length_);
  at_least_one("max_new_tokens", max_new_tokens_);
  at_least_one("num_keys", niah_.num_keys);
  at_least_one("num_values", niah_.num_values);
  at_least_one("num_queries", niah_.num_queries);
  if (needs_words() && data_.words == nullptr) {
    throw MissingData(
        fmt::format("{}: not run: data missing: word list '{}' (adjectivelist.txt, nounlist.txt); "
                    "remedy: scripts/fetch_words",
                    name_, words_name_));
  }
}

int NiahTask::NumNeedles() const {
  return std::max(niah_.num_keys, niah_.num_queries) * niah_.num_values;
}

std::vector<std::string> NiahTask::departures() const {
  std::vector<std::string> list;
  const auto add_if = [&](bool departs, std::string text) {
    if (departs) list.push_back(std::move(text));
  };
  add_if(name_ == "niah",
         fmt::format("task niah (not one of RULER's 13): haystack {}, key {}, value {}, num_keys "
                     "{}, num_values {}, num_queries {}",
                     NameOf(niah_.haystack), NameOf(niah_.key), NameOf(niah_.value), niah_.num_keys,
                     niah_.num_values, niah_.num_queries));
  add_if(max_new_tokens_ != kNiahMaxNewTokens,
         fmt::format("max_new_tokens {} (RULER: {})", max_new_tokens_, kNiahMaxNewTokens));
  add_if(num_samples_ != kUpstreamSamples,
         fmt::format("samples {} (RULER: {})", num_samples_, kUpstreamSamples));
  add_if(std::find(kUpstreamLengths.begin(), kUpstreamLengths.end(), length_) ==
             kUpstreamLengths.end(),
         fmt::format("length {} (RULER: {})", length_, fmt::join(kUpstreamLengths, ", ")));
  add_if(data_.model_template.name == "chatml",
         "template chatml (not in RULER's list; as its users add it)");
  add_if(needs_words() && words_name_ != "wonderwords",
         fmt::format("words {} (RULER: wonderwords)", words_name_));
  add_if(data_.tokenizer->bos_to_add() >= 0, "BOS counted in the length (RULER: not counted)");
  add_if(NumNeedles() > 1, "order of the needles drawn per sample (RULER: one fixed order)");
  list.push_back(
      "haystack sized per sample in steps of 1 line (RULER: steps of 25, of 5 below length 4096)");
  return list;
}

NiahTask::Built NiahTask::Build(NiahDraw& draw, const std::string& query, int units) const {
  NiahContext context = draw.Context(units);
  NiahPrompt prompt =
      FillNiahPrompt(prompt_template_, niah_.value, singular(), context.text, query);
  Built built;
  built.units = units;
  built.text = std::move(prompt.text);
  built.queried = std::move(context.queried);
  for (NiahContext::Bytes& bytes : built.queried) {
    bytes.begin += prompt.context_begin;
    bytes.end += prompt.context_begin;
  }
  built.encoding = data_.tokenizer->Encode(built.text);
  SW_CHECK(built.encoding.offsets.size() == built.encoding.ids.size());
  // A template may spell the BOS itself; then the checkpoint's is already there.
  const int32_t bos = data_.tokenizer->bos_to_add();
  built.adds_bos = bos >= 0 && (built.encoding.ids.empty() || built.encoding.ids.front() != bos);
  return built;
}

Sample NiahTask::MakeSample(int index) const {
  SW_CHECK(index >= 0);
  NiahDraw draw(niah_, data_.words, seed_, fmt::format("{}/{}/{}", name_, length_, index));
  const std::string query = JoinQuery(draw.needles().query_keys);
  const int minimum = NumNeedles();  // each needle stands before a line of its own
  const int budget = length_ - max_new_tokens_;

  int smallest_tokens = 0;
  Built best;
  const auto tokens_at = [&](int units) {
    Built built = Build(draw, query, units);
    const int tokens = built.num_tokens();
    if (units == minimum) smallest_tokens = tokens;
    if (tokens <= budget && units > best.units) best = std::move(built);
    return tokens;
  };
  if (!FitUnits(minimum, budget, tokens_at)) {
    FailUser(
        "{} at length {}: the smallest prompt (haystack of {} lines) takes {} tokens and {} more "
        "are kept for the answer; use a length of at least {}, or a smaller max_new_tokens",
        name_, length_, minimum, smallest_tokens, max_new_tokens_,
        smallest_tokens + max_new_tokens_);
  }

  Sample sample;
  sample.index = index;
  sample.outputs = draw.needles().outputs;
  sample.forced_answer = fmt::format(" {}", fmt::join(sample.outputs, ", "));
  sample.haystack_units = best.units;
  const int shift = best.adds_bos ? 1 : 0;
  for (const NiahContext::Bytes& bytes : best.queried) {
    const TokenRange tokens = TokensOf(best.encoding.offsets, bytes.begin, bytes.end);
    sample.needles.push_back({tokens.begin + shift, tokens.end + shift});
    sample.needle_depths.push_back(static_cast<double>(tokens.begin + shift) / best.num_tokens());
  }
  sample.prompt_ids.reserve(static_cast<size_t>(best.num_tokens()));
  if (best.adds_bos) sample.prompt_ids.push_back(data_.tokenizer->bos_to_add());
  sample.prompt_ids.insert(sample.prompt_ids.end(), best.encoding.ids.begin(),
                           best.encoding.ids.end());
  sample.bos_count = data_.tokenizer->bos_to_add() >= 0 ? 1 : 0;
  sample.prompt = std::move(best.text);
  return sample;
}

double NiahTask::Score(const Sample& sample, std::string_view answer) const {
  return StringMatchAll(PostProcess(answer), sample.outputs);
}

}  // namespace sw
