// A YAML document as plain data in which every node knows where it stands, so that each later
// complaint can point at it. --set arguments are grafted onto the same tree.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/check.h"

namespace sw {

struct ConfigEntry;

struct ConfigNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  std::string where;  // "configs/x.yaml:7:13" (1-based), or "--set 'task.samples=3'"
  bool from_set = false;
  std::string scalar;
  bool quoted = false;  // a quoted scalar is text, whatever it looks like
  std::vector<ConfigNode> items;
  std::vector<ConfigEntry> entries;  // in written order, keys distinct

  static ConfigNode Empty(Kind kind, const std::string& where);
  const ConfigEntry* Find(std::string_view key) const;
  ConfigEntry* Find(std::string_view key);
};

struct ConfigEntry {
  std::string key;
  std::string where;  // of the key
  ConfigNode value;
};

// UserError with "<filename>:<line>:<column>: ..." on a syntax error, a duplicate key, a key that
// is no plain word, a merge key, several documents, nesting without end.
ConfigNode ParseConfigTree(const std::string& text, const std::string& filename);

// Grafts "key.key=value" onto the tree; the value is YAML. Under `arms`, the second key names a
// policy and the value goes to every arm of that policy. Of top_blocks and density, setting one
// takes away the other one of the file. UserErrors begin with --set and its text.
void ApplySet(ConfigNode& root, const std::string& set);

// "'ten'", "a list", "a mapping", "empty": for messages about a wrong type.
std::string Describe(const ConfigNode& node);

template <class... Args>
[[noreturn]] void FailAt(std::string_view where, fmt::format_string<Args...> format,
                         Args&&... args) {
  throw UserError(fmt::format("{}: {}", where, fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace sw
