// The cache of keys and values, and where the rows of a pass stand in it.
#pragma once

#include <cstdint>
#include <vector>

#include "gatehouse/result.h"
#include "tensor/page.h"

namespace gatehouse {

// Keys and values of all layers, in pages of kPageTokens slots. Who uses which page is the engine's business.
// Its calls take their place among the operations of passes, and come from the thread that runs these.
class KvCache {
 public:
  virtual ~KvCache() = default;
  virtual int64_t BytesPerPage() const = 0;
  // Makes pages 0 .. count-1 usable. Memory grows only, and pages keep what they hold; a pass may be open.
  virtual Result<void> Reserve(int32_t count) = 0;
  virtual Result<void> CopyPage(int32_t from, int32_t to) = 0;
};

struct KvShape {
  int layers = 0;
  int kv_heads = 0;
  int head_dim = 0;
  bool exact = false;  // never rounded to 8 bits, whatever the backend's option says
};

// Where each row of a pass stands, and which keys it sees, as the host knows it. A sequence's slot s lies in
// page pages[s / kPageTokens].
struct AttentionLayout {
  struct Row {
    int32_t sequence = 0;
    int32_t slot = 0;           // where this row's own key and value go
    int32_t end = 0;            // sees slots begin .. end-1 ...
    int32_t begin = 0;          // (full attention)
    int32_t begin_chunked = 0;  // (layers with chunked attention)
    int32_t extra_first = 0;    // ... and these of extra_slots: ancestors in a tree
    int32_t extra_count = 0;
  };
  std::vector<Row> rows;  // rows of one sequence follow each other
  std::vector<int32_t> extra_slots;
  std::vector<int32_t> extra_positions;     // of the tokens in extra_slots
  std::vector<std::vector<int32_t>> pages;  // [sequence]
};

// The same as the device wants it: made once a pass, used by every layer (Backend::Prepare). Kept from pass
// to pass, so that its memory stays where it is.
class DeviceLayout {
 public:
  virtual ~DeviceLayout() = default;
};

}  // namespace gatehouse
