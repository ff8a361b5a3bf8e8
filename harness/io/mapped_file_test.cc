#include "harness/io/mapped_file.h"

#include <filesystem>
#include <utility>

#include <unistd.h>

#include "core/base/check.h"
#include "core/testing/catch.h"
#include "harness/io/sha256.h"
#include "harness/io/testing_gguf.h"

namespace sw {

using testing::HasText;
using testing::MessageOf;
using testing::TempFile;

TEST_CASE("a mapped file holds the file's bytes, also after moves") {
  const std::string contents("a\0b\n\xFF", 5);
  const TempFile file(contents);
  MappedFile first(file.path());
  const auto as_text = [](const MappedFile& mapped) {
    return std::string(mapped.bytes().begin(), mapped.bytes().end());
  };
  CHECK(as_text(first) == contents);
  const uint8_t* address = first.bytes().data();
  MappedFile second(std::move(first));
  CHECK(second.bytes().data() == address);
  const TempFile other_file("xyz");
  MappedFile third(other_file.path());
  third = std::move(second);
  CHECK(as_text(third) == contents);
  CHECK(third.path() == file.path());
}

TEST_CASE("files that cannot be mapped are refused by path and reason") {
  const auto message = [](const std::string& path) {
    const std::string text = MessageOf<UserError>([&] { MappedFile mapped(path); });
    CHECK_THAT(text, HasText(path));
    return text;
  };
  const std::string absent = "/nowhere/at/all.gguf";
  CHECK_THAT(message(absent), HasText("No such file"));
  CHECK_THAT(message(absent), HasText("scripts/fetch_model"));
  CHECK_THAT(message(std::filesystem::temp_directory_path().string()), HasText("regular file"));
  const TempFile empty("");
  CHECK_THAT(message(empty.path()), HasText("empty"));
  if (geteuid() != 0) {  // root reads everything
    const TempFile secret("x");
    std::filesystem::permissions(secret.path(), std::filesystem::perms::none);
    CHECK_THAT(message(secret.path()), HasText("check its permissions"));
  }
}

TEST_CASE("SHA-256 gives the published values") {
  CHECK(Sha256OfBytes("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Sha256OfBytes("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256OfBytes(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  const TempFile file("abc");
  CHECK(Sha256OfFile(file.path()) == Sha256OfBytes("abc"));
}

}  // namespace sw
