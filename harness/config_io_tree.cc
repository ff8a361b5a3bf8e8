#include "harness/config_io_tree.h"

#include <optional>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

namespace sw {
namespace {

constexpr int kMaxDepth = 16;       // a config needs five; an alias may point at itself
constexpr int kMaxNodes = 100'000;  // aliases multiply

std::string WhereOf(const std::string& filename, const YAML::Mark& mark) {
  if (mark.is_null()) return filename;
  return fmt::format("{}:{}:{}", filename, mark.line + 1, mark.column + 1);
}

class TreeBuilder {
 public:
  explicit TreeBuilder(const std::string& filename) : filename_(filename) {}

  ConfigNode Build(const YAML::Node& yaml, int depth) {
    ConfigNode node;
    node.where = WhereOf(filename_, yaml.Mark());
    if (depth > kMaxDepth || ++num_nodes_ > kMaxNodes) {
      FailAt(node.where, "nested too deep or too large for a config; is an alias inside itself?");
    }
    switch (yaml.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        node.kind = ConfigNode::Kind::kScalar;
        node.scalar = yaml.Scalar();
        node.quoted = yaml.Tag() == "!";
        break;
      case YAML::NodeType::Sequence:
        node.kind = ConfigNode::Kind::kList;
        for (const YAML::Node& item : yaml) node.items.push_back(Build(item, depth + 1));
        break;
      case YAML::NodeType::Map:
        node.kind = ConfigNode::Kind::kMap;
        for (const auto& pair : yaml) AddEntry(node, pair.first, pair.second, depth);
        break;
    }
    return node;
  }

 private:
  void AddEntry(ConfigNode& map, const YAML::Node& key, const YAML::Node& value, int depth) {
    const std::string where = WhereOf(filename_, key.Mark());
    if (!key.IsScalar()) FailAt(where, "a key must be one word");
    const std::string& name = key.Scalar();
    if (name == "<<") FailAt(where, "merge keys (<<) are not supported; write the fields out");
    if (const ConfigEntry* first = map.Find(name)) {
      FailAt(where, "key '{}' is given twice; first at {}", name, first->where);
    }
    map.entries.push_back({name, where, Build(value, depth + 1)});
  }

  const std::string& filename_;
  int num_nodes_ = 0;
};

// Where a document starts; everything else of it is ignored.
class DocumentStart final : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> mark;

  void OnDocumentStart(const YAML::Mark& start) override { mark = start; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// YAML::Load would take the first of several documents and drop the rest, and YAML::LoadAll never
// ends on some broken texts: a leading comma is an empty document before the comma, again and
// again.
void CheckOneDocument(const std::string& text, const std::string& filename) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStart first;
  DocumentStart second;
  if (!parser.HandleNextDocument(first) || !parser.HandleNextDocument(second)) return;
  FailAt(WhereOf(filename, second.mark.value_or(YAML::Mark::null_mark())),
         "the document has ended, and something follows; a config is one YAML document");
}

}  // namespace

ConfigNode ConfigNode::Empty(Kind kind, const std::string& where) {
  ConfigNode node;
  node.kind = kind;
  node.where = where;
  return node;
}

const ConfigEntry* ConfigNode::Find(std::string_view key) const {
  for (const ConfigEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

ConfigEntry* ConfigNode::Find(std::string_view key) {
  return const_cast<ConfigEntry*>(std::as_const(*this).Find(key));
}

ConfigNode ParseConfigTree(const std::string& text, const std::string& filename) {
  try {
    CheckOneDocument(text, filename);
    return TreeBuilder(filename).Build(YAML::Load(text), 0);
  } catch (const YAML::Exception& error) {
    FailAt(WhereOf(filename, error.mark), "not valid YAML: {}", error.msg);
  }
}

std::string Describe(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::kNull:
      return "empty";
    case ConfigNode::Kind::kScalar:
      return fmt::format("'{}'", node.scalar);
    case ConfigNode::Kind::kList:
      return "a list";
    case ConfigNode::Kind::kMap:
      return "a mapping";
  }
  return "?";
}

}  // namespace sw
