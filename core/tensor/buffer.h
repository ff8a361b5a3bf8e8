// Buffer<T>: `size` numbers of T in a backend's memory, owned, move-only.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/tensor/memory.h"

namespace sw {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Memory& memory, std::string part, size_t size)
      : memory_(&memory), part_(std::move(part)), size_(size) {
    if (size_ > 0) data_ = static_cast<T*>(memory_->Allocate(part_, size_ * sizeof(T)));
  }
  Buffer(Buffer&& other) noexcept { Swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      Release();
      Swap(other);
    }
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { Release(); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void FillZero() {
    if (size_ > 0) memory_->Zero(data_, size_ * sizeof(T));
  }
  void CopyFrom(std::span<const T> host) {
    SW_CHECK(host.size() <= size_, "{} > {}", host.size(), size_);
    if (!host.empty()) memory_->CopyFromHost(data_, host.data(), host.size_bytes());
  }
  std::vector<T> ToHost() const { return ToHost(size_); }
  std::vector<T> ToHost(size_t count) const {
    SW_CHECK(count <= size_);
    std::vector<T> host(count);
    if (count > 0) memory_->CopyToHost(host.data(), data_, count * sizeof(T));
    return host;
  }

 private:
  void Release() noexcept {
    if (data_ != nullptr) memory_->Free(part_, data_, size_ * sizeof(T));
    data_ = nullptr;
    size_ = 0;
  }
  void Swap(Buffer& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(part_, other.part_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  Memory* memory_ = nullptr;
  std::string part_;
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace sw
