#include "tasks/word_list.h"

#include "core/base/check.h"
#include "core/testing/catch.h"

namespace sw {

using Words = std::vector<std::string>;

TEST_CASE("words are distinct, in file order, without trailing whitespace") {
  const WordList words = ParseWordList("red \r\nad hoc\t\nred\nzoot-suit\n\n \nTV",
                                       "\xEF\xBB\xBFjalapeño\n owl\nowl\u00a0\nTv\n", "test");
  CHECK(words.adjectives == Words{"red", "ad hoc", "zoot-suit", "TV"});
  CHECK(words.nouns == Words{"jalapeño", " owl", "owl", "Tv"});
}

TEST_CASE("an empty list names itself and the remedy") {
  const std::string no_nouns =
      testing::MessageOf<UserError>([] { ParseWordList("red\n", " \n\n", "my/words"); });
  CHECK_THAT(no_nouns, testing::HasText("my/words"));
  CHECK_THAT(no_nouns, testing::HasText("no nouns"));
  CHECK_THAT(no_nouns, testing::HasText("scripts/fetch_words"));
  const std::string no_adjectives =
      testing::MessageOf<UserError>([] { ParseWordList("", "owl", "my/words"); });
  CHECK_THAT(no_adjectives, testing::HasText("no adjectives"));
}

}  // namespace sw
