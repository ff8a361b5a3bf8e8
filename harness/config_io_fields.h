// Reads the nodes of a config into the fields of structs, for every type that VisitFields meets.
// `name` is the field's full name ("task.samples") for the messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/visit_fields.h"
#include "harness/config_io_tree.h"
#include "tasks/nearest_name.h"

namespace sw {

void ReadValue(const ConfigNode& node, const std::string& name, int& out);
void ReadValue(const ConfigNode& node, const std::string& name, uint64_t& out);
void ReadValue(const ConfigNode& node, const std::string& name, double& out);  // finite
void ReadValue(const ConfigNode& node, const std::string& name, std::string& out);

// The names that an enum has, for messages: "all, causal".
[[noreturn]] void FailSpelling(const ConfigNode& node, const std::string& name,
                               std::span<const std::string> known);

template <class E>
requires std::is_enum_v<E>
void ReadValue(const ConfigNode& node, const std::string& name, E& out) {
  std::vector<std::string> known;
  for (const auto& [value, spelling] : EnumNames<E>::kNames) {
    if (node.kind == ConfigNode::Kind::kScalar && node.scalar == spelling) {
      out = value;
      return;
    }
    known.emplace_back(spelling);
  }
  FailSpelling(node, name, known);
}

template <class T>
void ReadValue(const ConfigNode& node, const std::string& name, std::optional<T>& out) {
  if (node.kind == ConfigNode::Kind::kNull) {
    out.reset();
  } else {
    ReadValue(node, name, out.emplace());
  }
}

// A single value stands for a list of one. The list is never empty, its values distinct.
template <class T>
void ReadValue(const ConfigNode& node, const std::string& name, std::vector<T>& out) {
  out.clear();
  if (node.kind != ConfigNode::Kind::kList) {
    ReadValue(node, name, out.emplace_back());
    return;
  }
  if (node.items.empty()) FailAt(node.where, "{} is an empty list; give at least one value", name);
  for (const ConfigNode& item : node.items) {
    T value{};
    ReadValue(item, name, value);
    for (const T& earlier : out) {
      if (earlier == value) FailAt(item.where, "{}: {} is listed twice", name, Describe(item));
    }
    out.push_back(value);
  }
}

// How messages name a struct: a field as "sketch_walk.density", the struct as "arm sketch_walk".
struct StructName {
  std::string_view name;
  std::string_view prefix = "";     // "arm "
  std::string_view extra_key = "";  // a key that the caller reads itself, for the suggestions
};

[[noreturn]] void FailUnknownKey(const ConfigEntry& entry, const StructName& in,
                                 const std::vector<std::string>& known);
// UserError unless the node is a mapping; an empty node is one without keys.
void RequireMap(const ConfigNode& node, std::string_view context);

// Runs `check` and blames what it throws on `where`.
template <class Check>
void BlameOn(std::string_view where, Check&& check) {
  try {
    check();
  } catch (const UserError& error) {
    FailAt(where, "{}", error.what());
  }
}

// Reads `value` into the field that entry.key names; UserError at the key when there is none.
template <class C>
void ReadField(const ConfigEntry& entry, const ConfigNode& value, const StructName& in, C& out);

// Every entry of a mapping into its field; check(out) runs after each, so that a UserError of it is
// blamed on the field that made the struct invalid.
template <class C, class Check>
void ReadStruct(const ConfigNode& node, std::string_view name, C& out, Check&& check) {
  RequireMap(node, name);
  for (const ConfigEntry& entry : node.entries) {
    ReadField(entry, entry.value, {name}, out);
    BlameOn(entry.value.where, [&] { check(out); });
  }
}

inline void ReadValue(const ConfigNode& node, const std::string& name, NiahConfig& out) {
  ReadStruct(node, name, out, [](const NiahConfig&) {});
}

template <class C>
void ReadField(const ConfigEntry& entry, const ConfigNode& value, const StructName& in, C& out) {
  std::vector<std::string> known;
  bool found = false;
  const auto visit = [&](std::string_view field, auto& target) {
    known.emplace_back(field);
    if (field != entry.key) return;
    found = true;
    ReadValue(value, fmt::format("{}.{}", in.name, field), target);
  };
  VisitFields(visit, out);
  if (!in.extra_key.empty()) known.emplace_back(in.extra_key);
  if (!found) FailUnknownKey(entry, in, known);
}

}  // namespace sw
