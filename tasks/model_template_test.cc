#include "tasks/model_template.h"

#include "core/base/check.h"
#include "core/testing/catch.h"
#include "tasks/ruler/fake_tokenizer.h"

namespace sw {

TEST_CASE("templates are spelt to the byte") {
  CHECK(ResolveModelTemplate("base").text == "{task_template}");
  CHECK(ResolveModelTemplate("chatml").text ==
        "<|im_start|>user\n{task_template}<|im_end|>\n<|im_start|>assistant\n");
  for (const std::string& name : ModelTemplateNames()) {
    const ModelTemplate found = ResolveModelTemplate(name);
    CHECK(found.name == name);
    const size_t slot = found.text.find("{task_template}");
    REQUIRE(slot != std::string::npos);
    CHECK(found.text.find("{task_template}", slot + 1) == std::string::npos);
    for (const std::string& token : found.special_tokens) {
      CHECK(found.text.find(token) != std::string::npos);
    }
  }
}

TEST_CASE("an unknown template names the nearest and all") {
  const std::string message =
      testing::MessageOf<UserError>([] { ResolveModelTemplate("chat_ml"); });
  CHECK_THAT(message, testing::HasText("'chat_ml'"));
  CHECK_THAT(message, testing::HasText("did you mean chatml?"));
  CHECK_THAT(message, testing::HasText("known: auto, base, chatml"));
  const std::string far = testing::MessageOf<UserError>([] { ResolveModelTemplate("vicuna"); });
  CHECK_THAT(far, !testing::HasText("did you mean"));
  CHECK_THAT(far, testing::HasText("known: auto, base, chatml"));
}

TEST_CASE("auto must be resolved before") {
  CHECK_THROWS_AS(ResolveModelTemplate("auto"), BugError);
}

TEST_CASE("a tokenizer without the template's tokens is refused") {
  const FakeTokenizer chat({.specials = {"<|im_start|>", "<|im_end|>"}});
  const FakeTokenizer half({.specials = {"<|im_start|>"}});
  CHECK_NOTHROW(CheckTemplateFits(ResolveModelTemplate("chatml"), chat));
  CHECK_NOTHROW(CheckTemplateFits(ResolveModelTemplate("base"), half));
  const std::string message = testing::MessageOf<UserError>(
      [&] { CheckTemplateFits(ResolveModelTemplate("chatml"), half); });
  CHECK_THAT(message, testing::HasText("<|im_end|>"));
  CHECK_THAT(message, testing::HasText("template: base"));
}

}  // namespace sw
