#include "harness/io/sha256.h"

#include <openssl/evp.h>

#include "core/base/check.h"
#include "harness/io/mapped_file.h"

namespace sw {

std::string Sha256OfBytes(std::span<const uint8_t> bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_bytes = 0;
  const int ok =
      EVP_Digest(bytes.data(), bytes.size(), digest, &digest_bytes, EVP_sha256(), nullptr);
  SW_CHECK(ok == 1 && digest_bytes == 32, "EVP_Digest gave {} bytes", digest_bytes);
  std::string hex;
  for (unsigned int i = 0; i < digest_bytes; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::string Sha256OfBytes(std::string_view text) {
  return Sha256OfBytes(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

std::string Sha256OfFile(const std::string& path) {
  return Sha256OfBytes(MappedFile(path).bytes());
}

}  // namespace sw
