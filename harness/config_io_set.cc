// --set key.key=value: finds the place in the tree and puts the value there. Whether the key exists
// at all is the reader's question; it sees these nodes like those of the file.
#include <algorithm>
#include <array>

#include "core/config/policy_config.h"
#include "harness/config_io_tree.h"
#include "tasks/nearest_name.h"

namespace sw {
namespace {

using Kind = ConfigNode::Kind;

void MarkFromSet(ConfigNode& node, const std::string& where) {
  node.where = where;
  node.from_set = true;
  for (ConfigNode& item : node.items) MarkFromSet(item, where);
  for (ConfigEntry& entry : node.entries) {
    entry.where = where;
    MarkFromSet(entry.value, where);
  }
}

std::vector<std::string> SplitPath(std::string_view path, const std::string& where) {
  std::vector<std::string> keys;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    if (end == begin) FailAt(where, "an empty key; write key=value or key.key=value");
    keys.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return keys;
}

// Puts `value` at map.keys[0].keys[1]..., making mappings on the way.
void Assign(ConfigNode& map, std::span<const std::string> keys, const ConfigNode& value) {
  if (map.kind == Kind::kNull) map = ConfigNode::Empty(Kind::kMap, value.where);
  if (map.kind != Kind::kMap) {
    FailAt(value.where, "there is no key '{}' here: {} holds {}", keys[0], map.where,
           Describe(map));
  }
  ConfigEntry* entry = map.Find(keys[0]);
  if (entry == nullptr) {
    map.entries.push_back({keys[0], value.where, ConfigNode::Empty(Kind::kNull, value.where)});
    entry = &map.entries.back();
  }
  if (keys.size() > 1) return Assign(entry->value, keys.subspan(1), value);
  entry->where = value.where;
  entry->value = value;
}

// The keep rule of the file gives way to the one that is set.
void DropRivalField(ConfigNode& fields, std::string_view key) {
  if (fields.kind != Kind::kMap || (key != "top_blocks" && key != "density")) return;
  const std::string_view rival = key == "density" ? "top_blocks" : "density";
  std::erase_if(fields.entries, [&](const ConfigEntry& entry) {
    return entry.key == rival && !entry.value.from_set;
  });
}

// An arm that is only a name becomes {name: {}}. nullptr when it is an arm of another policy.
ConfigNode* FieldsOfArm(ConfigNode& arm, const std::string& policy) {
  if (arm.kind == Kind::kScalar && arm.scalar == policy) {
    ConfigNode map = ConfigNode::Empty(Kind::kMap, arm.where);
    map.entries.push_back({policy, arm.where, ConfigNode::Empty(Kind::kNull, arm.where)});
    arm = std::move(map);
  }
  ConfigEntry* entry = arm.kind == Kind::kMap ? arm.Find(policy) : nullptr;
  return entry != nullptr ? &entry->value : nullptr;
}

std::vector<std::string> NamesOfArms(const ConfigNode& arms) {
  std::vector<std::string> names;
  for (const ConfigNode& arm : arms.items) {
    const std::string name =
        arm.kind == Kind::kMap && !arm.entries.empty() ? arm.entries[0].key : arm.scalar;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

void AssignToArms(ConfigNode& root, std::span<const std::string> keys, const ConfigNode& value) {
  ConfigEntry* arms = root.Find("arms");
  if (arms == nullptr || arms->value.kind != Kind::kList || arms->value.items.empty()) {
    FailAt(value.where, "the config has no list of arms; set them all: --set 'arms=[dense, ...]'");
  }
  bool found = false;
  for (ConfigNode& arm : arms->value.items) {
    ConfigNode* fields = FieldsOfArm(arm, keys[0]);
    if (fields == nullptr) continue;
    found = true;
    if (keys.size() == 1) {
      *fields = value;
    } else {
      DropRivalField(*fields, keys[1]);
      Assign(*fields, keys.subspan(1), value);
    }
  }
  if (!found) {
    FailAt(value.where, "no arm '{}' in the config; {}", keys[0],
           SuggestName(keys[0], NamesOfArms(arms->value)));
  }
}

}  // namespace

void ApplySet(ConfigNode& root, const std::string& set) {
  const std::string where = fmt::format("--set '{}'", set);
  const size_t equals = set.find('=');
  if (equals == std::string::npos) FailAt(where, "no '='; write key=value, e.g. task.samples=3");
  const std::vector<std::string> keys = SplitPath(std::string_view(set).substr(0, equals), where);
  const std::string text = set.substr(equals + 1);
  if (text.find_first_not_of(" \t") == std::string::npos) {
    FailAt(where, "no value after '='; `null` takes an optional field away");
  }
  ConfigNode value = ParseConfigTree(text, where);
  MarkFromSet(value, where);
  if (keys[0] == "arms" && keys.size() > 1) {
    AssignToArms(root, std::span(keys).subspan(1), value);
  } else {
    Assign(root, keys, value);
  }
}

}  // namespace sw
