#include "harness/config_io_fields.h"

#include <charconv>
#include <cmath>

#include <fmt/ranges.h>

namespace sw {
namespace {

// "task.samples is 'ten': it must be a whole number"
[[noreturn]] void FailType(const ConfigNode& node, const std::string& name, const char* wanted) {
  const char* quoted = node.quoted ? " in quotes, which makes it text" : "";
  FailAt(node.where, "{} is {}{}: it must be {}", name, Describe(node), quoted, wanted);
}

template <class T>
void ReadNumber(const ConfigNode& node, const std::string& name, const char* wanted, T& out) {
  if (node.kind != ConfigNode::Kind::kScalar || node.quoted) FailType(node, name, wanted);
  const char* begin = node.scalar.data();
  const char* end = begin + node.scalar.size();
  if (node.scalar.size() > 1 && *begin == '+' && begin[1] != '-') ++begin;
  T value{};
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error == std::errc::result_out_of_range) {
    FailAt(node.where, "{} is {}: too large or too small for {}", name, Describe(node), wanted);
  }
  if (error != std::errc{} || stop != end) FailType(node, name, wanted);
  out = value;
}

}  // namespace

void ReadValue(const ConfigNode& node, const std::string& name, int& out) {
  ReadNumber(node, name, "a whole number", out);
}

void ReadValue(const ConfigNode& node, const std::string& name, uint64_t& out) {
  ReadNumber(node, name, "a whole number, 0 or more", out);
}

void ReadValue(const ConfigNode& node, const std::string& name, double& out) {
  double value = 0.0;
  ReadNumber(node, name, "a number", value);
  if (!std::isfinite(value)) FailType(node, name, "a finite number");
  out = value;
}

void ReadValue(const ConfigNode& node, const std::string& name, std::string& out) {
  if (node.kind != ConfigNode::Kind::kScalar || node.scalar.empty()) {
    FailType(node, name, "one word or text");
  }
  out = node.scalar;
}

void FailSpelling(const ConfigNode& node, const std::string& name,
                  std::span<const std::string> known) {
  if (node.kind != ConfigNode::Kind::kScalar) {
    FailAt(node.where, "{} is {}: it must be one of {}", name, Describe(node),
           fmt::join(known, ", "));
  }
  FailAt(node.where, "{} is {}; {}", name, Describe(node), SuggestName(node.scalar, known));
}

void FailUnknownKey(const ConfigEntry& entry, const StructName& in,
                    const std::vector<std::string>& known) {
  FailAt(entry.where, "unknown key '{}' in {}{}; {}", entry.key, in.prefix, in.name,
         SuggestName(entry.key, known));
}

void RequireMap(const ConfigNode& node, std::string_view context) {
  if (node.kind == ConfigNode::Kind::kMap || node.kind == ConfigNode::Kind::kNull) return;
  FailAt(node.where, "{} is {}: it must be a mapping of fields, key: value", context,
         Describe(node));
}

}  // namespace sw
