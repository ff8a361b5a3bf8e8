#include "tasks/ruler/ruler_suite.h"

#include "core/base/check.h"
#include "tasks/nearest_name.h"
#include "tasks/ruler/niah.h"

#include <array>
#include <string_view>

namespace sw {
namespace {

struct NamedNiah {
  std::string_view name;
  NiahConfig config;
};

constexpr std::array kNamedNiah = {
    NamedNiah{"niah_single_1",
              {.haystack = NiahHaystack::kNoise,
               .key = NiahContent::kWords,
               .value = NiahContent::kNumbers}},
    NamedNiah{"niah_multikey_2",
              {.haystack = NiahHaystack::kNeedle,
               .key = NiahContent::kWords,
               .value = NiahContent::kNumbers}},
    NamedNiah{"niah_multikey_3",
              {.haystack = NiahHaystack::kNeedle,
               .key = NiahContent::kUuids,
               .value = NiahContent::kUuids}},
};

}  // namespace

std::vector<std::string> RulerTaskNames() {
  std::vector<std::string> names;
  for (const NamedNiah& named : kNamedNiah) names.emplace_back(named.name);
  names.emplace_back("niah");
  return names;
}

std::unique_ptr<Task> MakeRulerTask(const TaskConfig& config, const std::string& name, int length,
                                    const RulerData& data) {
  SW_CHECK(data.tokenizer != nullptr);
  CheckTemplateFits(data.model_template, *data.tokenizer);
  if (name == "niah") {
    return std::make_unique<NiahTask>(name, config.niah, config, length, data);
  }
  for (const NamedNiah& named : kNamedNiah) {
    if (named.name == name) {
      return std::make_unique<NiahTask>(name, named.config, config, length, data);
    }
  }
  FailUser("task.names: no RULER task '{}' here; {}", name, SuggestName(name, RulerTaskNames()));
}

}  // namespace sw
