// Whole prompts written out by hand from RULER's templates.
#include "tasks/ruler/niah_prompt.h"

#include "core/testing/catch.h"

#include <string>
#include <vector>

namespace sw {
namespace {

std::string Fill(const ModelTemplate& model_template, bool singular, NiahContent value_type,
                 std::string_view context, std::string_view query) {
  return FillNiahPrompt(NiahPromptTemplate(model_template, singular), value_type, singular, context,
                        query)
      .text;
}

}  // namespace

TEST_CASE("the noise line and the needles are spelt to the byte") {
  CHECK(std::string(kNoiseLine) ==
        "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back "
        "again.");
  CHECK(NeedleSentence(NiahContent::kNumbers, "red-owl", "7310254") ==
        "One of the special magic numbers for red-owl is: 7310254.");
  CHECK(NeedleSentence(NiahContent::kWords, "red-owl", "ad hoc-jalapeño") ==
        "One of the special magic words for red-owl is: ad hoc-jalapeño.");
  CHECK(NeedleSentence(NiahContent::kUuids, "a", "b") ==
        "One of the special magic uuids for a is: b.");
}

TEST_CASE("one query of one value, base and chatml") {
  CHECK(Fill(ResolveModelTemplate("base"), true, NiahContent::kNumbers, "line 1\nline 2",
             "red-owl") ==
        "A special magic number is hidden within the following text. Make sure to memorize it. I "
        "will quiz you about the number afterwards.\nline 1\nline 2\nWhat is the special magic "
        "number for red-owl mentioned in the provided text? The special magic number for red-owl "
        "mentioned in the provided text is");
  CHECK(Fill(ResolveModelTemplate("chatml"), true, NiahContent::kUuids, "C", "Q") ==
        "<|im_start|>user\nA special magic uuid is hidden within the following text. Make sure to "
        "memorize it. I will quiz you about the uuid afterwards.\nC\nWhat is the special magic "
        "uuid for Q mentioned in the provided text?<|im_end|>\n<|im_start|>assistant\n The special "
        "magic uuid for Q mentioned in the provided text is");
}

TEST_CASE("several queries or values, base and chatml") {
  CHECK(Fill(ResolveModelTemplate("base"), false, NiahContent::kWords, "C", "a, and b") ==
        "Some special magic words are hidden within the following text. Make sure to memorize it. "
        "I will quiz you about the words afterwards.\nC\nWhat are all the special magic words for "
        "a, and b mentioned in the provided text? The special magic words for a, and b mentioned "
        "in the provided text are");
  CHECK(Fill(ResolveModelTemplate("chatml"), false, NiahContent::kNumbers, "C", "a") ==
        "<|im_start|>user\nSome special magic numbers are hidden within the following text. Make "
        "sure to memorize it. I will quiz you about the numbers afterwards.\nC\nWhat are all the "
        "special magic numbers for a mentioned in the provided text?<|im_end|>\n"
        "<|im_start|>assistant\n The special magic numbers for a mentioned in the provided text "
        "are");
}

TEST_CASE("the singular rewords the model template too, but not what is filled in") {
  const ModelTemplate wordy = {
      "wordy", "You are polite; answers rare. Some: {task_template} END", {}};
  const std::string prompt =
      Fill(wordy, true, NiahContent::kWords, "Some are all answers {query}", "are-{context}");
  CHECK(prompt ==
        "You is polite; answer ris. A: A special magic word is hidden within the following text. "
        "Make sure to memorize it. I will quiz you about the word afterwards.\nSome are all "
        "answers {query}\nWhat is the special magic word for are-{context} mentioned in the "
        "provided text? END The special magic word for are-{context} mentioned in the provided "
        "text is");
  CHECK_THAT(NiahPromptTemplate(wordy, false),
             testing::HasText("You are polite; answers rare. Some: Some special"));
}

TEST_CASE("the context is found where it was put") {
  const NiahPrompt prompt = FillNiahPrompt(NiahPromptTemplate(ResolveModelTemplate("chatml"), true),
                                           NiahContent::kNumbers, true, "HAYSTACK", "HAYSTACK");
  CHECK(prompt.text.substr(prompt.context_begin - 1, 10) == "\nHAYSTACK\n");
  CHECK(prompt.text.find("HAYSTACK") == prompt.context_begin);
}

TEST_CASE("braces that are no place to fill stay") {
  CHECK(FillNiahPrompt("{a{query}} {", NiahContent::kWords, true, "", "Q").text == "{aQ} {");
  CHECK(FillNiahPrompt("", NiahContent::kWords, true, "", "Q").text.empty());
}

TEST_CASE("queries are joined as in a sentence") {
  using Keys = std::vector<std::string>;
  CHECK(JoinQuery(Keys{"a"}) == "a");
  CHECK(JoinQuery(Keys{"a", "b"}) == "a, and b");
  CHECK(JoinQuery(Keys{"a", "b", "c", "d"}) == "a, b, c, and d");
}

}  // namespace sw
