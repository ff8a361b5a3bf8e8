#include "harness/config_io_arms.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/ops/block_selection.h"
#include "harness/config_io_fields.h"

namespace sw {
namespace {

using Kind = ConfigNode::Kind;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kMaxArms = 1000;  // a sweep beyond this is a slip, and would run for weeks

// One arm of the list before labels are given: the grid points of one entry.
struct Arm {
  PolicyConfig policy;
  std::string title;  // the policy's name or the entry's label
  std::string where;
};

template <class T>
std::string TextOf(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return std::string(EnumName(value));
  } else {
    return fmt::format("{}", value);
  }
}

void CheckKeepRule(const PolicyConfig& policy, const ConfigNode& value) {
  const SparseConfig* sparse = SparsePartOf(policy);
  if (sparse == nullptr || !sparse->top_blocks || !sparse->density) return;
  FailAt(value.where, "top_blocks and density are both given in arm {}; keep one of them",
         PolicyName(policy));
}

PolicyConfig WithField(PolicyConfig policy, const ConfigEntry& entry, const ConfigNode& value) {
  const std::string name(PolicyName(policy));
  const StructName in{name, "arm ", "label"};
  std::visit([&](auto& config) { ReadField(entry, value, in, config); }, policy);
  CheckKeepRule(policy, value);
  BlameOn(value.where, [&] { ValidatePolicy(policy, 0, 0); });
  return policy;
}

// All grid points of the arm's fields.
std::vector<PolicyConfig> Expand(const PolicyConfig& start, const ConfigNode& fields) {
  std::vector<PolicyConfig> points = {start};
  for (const ConfigEntry& entry : fields.entries) {
    if (entry.key == "label") continue;
    const bool is_grid = entry.value.kind == Kind::kList;
    if (is_grid && entry.value.items.empty()) {
      FailAt(entry.value.where, "{}.{} is an empty list; give at least one value",
             PolicyName(start), entry.key);
    }
    const std::span<const ConfigNode> values =
        is_grid ? std::span<const ConfigNode>(entry.value.items) : std::span(&entry.value, 1);
    if (points.size() * values.size() > kMaxArms) {
      FailAt(entry.value.where, "the grid of arm {} has more than {} points", PolicyName(start),
             kMaxArms);
    }
    std::vector<PolicyConfig> grown;
    for (const PolicyConfig& point : points) {
      for (const ConfigNode& value : values) grown.push_back(WithField(point, entry, value));
    }
    points = std::move(grown);
  }
  return points;
}

// The one key of {name: {...}} with its fields, or the bare name.
std::pair<std::string, const ConfigNode*> SplitEntry(const ConfigNode& item) {
  if (item.kind == Kind::kScalar) return {item.scalar, nullptr};
  if (item.kind == Kind::kMap && item.entries.size() == 1) {
    return {item.entries[0].key, &item.entries[0].value};
  }
  if (item.kind == Kind::kMap) {
    FailAt(item.where, "an arm has one name; indent its fields below it, or write {}",
           "`- sketch_walk: {density: 0.2}`");
  }
  FailAt(item.where, "an arm is {}: it must be a name or `name: {{field: value}}`", Describe(item));
}

void ReadArm(const ConfigNode& item, std::vector<Arm>& arms) {
  const auto [name, fields] = SplitEntry(item);
  const std::optional<PolicyConfig> start = PolicyFromName(name);
  if (!start) {
    const std::vector<std::string_view> names = PolicyNames();
    FailAt(item.where, "unknown arm '{}'; {}", name,
           SuggestName(name, std::vector<std::string>(names.begin(), names.end())));
  }
  Arm arm{*start, name, item.where};
  std::vector<PolicyConfig> points = {*start};
  if (fields != nullptr) {
    RequireMap(*fields, fmt::format("arm {}", name));
    if (const ConfigEntry* label = fields->Find("label")) {
      ReadValue(label->value, name + ".label", arm.title);
    }
    points = Expand(*start, *fields);
  }
  for (PolicyConfig& point : points) {
    arm.policy = std::move(point);
    arms.push_back(arm);
  }
}

void RefuseDuplicates(const std::vector<Arm>& arms) {
  std::map<std::pair<std::string, Fields>, const Arm*> seen;
  for (const Arm& arm : arms) {
    const std::string name(PolicyName(arm.policy));
    const auto [first, is_new] = seen.try_emplace({name, FieldTexts(arm.policy)}, &arm);
    if (is_new) continue;
    FailAt(arm.where, "an arm {} with the same values stands already at {}; remove one of them",
           name, first->second->where);
  }
}

// "sketch_walk density=0.2 normaliser=all": the fields in which arms of one title differ.
std::string LabelOf(const Arm& arm, const std::set<std::string>& differing) {
  std::string label = arm.title;
  for (const auto& [field, text] : FieldTexts(arm.policy)) {
    if (differing.count(field) > 0) label += fmt::format(" {}={}", field, text);
  }
  return label;
}

// Fields that not all arms of this title have, or not with the same value.
std::set<std::string> DifferingFields(const std::vector<Arm>& arms, const Arm& like) {
  std::map<std::string, std::set<std::string>> values;
  std::map<std::string, size_t> counts;
  size_t num_arms = 0;
  for (const Arm& arm : arms) {
    if (arm.title != like.title || arm.policy.index() != like.policy.index()) continue;
    ++num_arms;
    for (const auto& [field, text] : FieldTexts(arm.policy)) {
      values[field].insert(text);
      ++counts[field];
    }
  }
  std::set<std::string> differing;
  for (const auto& [field, texts] : values) {
    if (texts.size() > 1 || counts[field] < num_arms) differing.insert(field);
  }
  return differing;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> FieldTexts(const PolicyConfig& policy) {
  Fields texts;
  const SparseConfig* sparse = SparsePartOf(policy);
  const auto visit = [&]<class T>(std::string_view field, const T& value) {
    if constexpr (requires { value.has_value(); }) {
      if (value) {
        texts.emplace_back(field, TextOf(*value));
      } else if (field == "top_blocks" && !sparse->density) {
        texts.emplace_back(field, TextOf(KeepRule{}.top_blocks));
      }
    } else {
      texts.emplace_back(field, TextOf(value));
    }
  };
  std::visit([&](const auto& config) { VisitFields(visit, config); }, policy);
  return texts;
}

std::vector<ArmConfig> ReadArms(const ConfigNode& node) {
  if (node.kind != Kind::kList) {
    FailAt(node.where, "arms is {}: it must be a list, e.g. `arms: [dense, sketch_walk]`",
           Describe(node));
  }
  if (node.items.empty()) FailAt(node.where, "arms is an empty list; give at least one policy");
  std::vector<Arm> arms;
  for (const ConfigNode& item : node.items) {
    ReadArm(item, arms);
    if (arms.size() > kMaxArms) FailAt(item.where, "the config has more than {} arms", kMaxArms);
  }
  RefuseDuplicates(arms);

  std::vector<ArmConfig> labelled;
  std::map<std::string, std::string> seen;  // label -> where
  for (const Arm& arm : arms) {
    const std::string label = LabelOf(arm, DifferingFields(arms, arm));
    const auto [first, is_new] = seen.try_emplace(label, arm.where);
    if (!is_new)
      FailAt(arm.where, "the label '{}' is taken by the arm at {}", label, first->second);
    labelled.push_back({arm.policy, label});
  }
  return labelled;
}

}  // namespace sw
