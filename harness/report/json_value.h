// Small helpers between our values and JSON, so that no writer can forget a rule: a number that is
// not finite is written as null, an absent value too, and bytes that are not UTF-8 never stop a
// write.
#pragma once

#include "core/config/visit_fields.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sw {

using Json = nlohmann::ordered_json;

inline Json ToJson(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
inline Json ToJson(const std::string& text) { return text; }
inline Json ToJson(std::string_view text) { return std::string(text); }
template <std::integral T>
Json ToJson(T value) {
  return value;
}
template <class T>
Json ToJson(const std::vector<T>& values);
template <class T>
Json ToJson(const std::optional<T>& value) {
  return value ? ToJson(*value) : Json(nullptr);
}

template <class T>
concept NamedEnum = std::is_enum_v<T> && requires {
  EnumNames<T>::kNames;
};
template <NamedEnum T>
Json ToJson(T value) {
  return std::string(EnumName(value));
}

// Every field of a config struct by its YAML name, nested structs as objects.
template <class T>
concept ConfigStruct = std::is_class_v<T> && requires(const T& config) {
  VisitFields([](const char*, const auto&) {}, config);
};
template <ConfigStruct T>
Json ToJson(const T& config) {
  Json object = Json::object();
  VisitFields([&](const char* name, const auto& field) { object[name] = ToJson(field); }, config);
  return object;
}

template <class T>
Json ToJson(const std::vector<T>& values) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(ToJson(value));
  return array;
}

// Seconds to the nanosecond: what a clock can tell, in few digits.
inline double RoundSeconds(double seconds) { return std::round(seconds * 1e9) / 1e9; }
// As a share or percentage deserves: twelve decimals hide no information, and end sums like
// 30.000000000000004.
inline double RoundShare(double share) { return std::round(share * 1e12) / 1e12; }

// One line without spaces or line breaks; bytes that are not UTF-8 become U+FFFD.
inline std::string DumpLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}
inline std::string DumpPretty(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sw
