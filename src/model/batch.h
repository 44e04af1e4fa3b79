// Batch: the tokens of one forward pass, of any number of sequences. A sequence has some tokens in the cache
// already and adds rows; a row follows its parent, so that one pass can hold a chain (a prompt), a tree
// (continuations that share a prefix), or both.
//
//   Batch batch;
//   batch.sequences.push_back({pages, cached});
//   batch.rows.push_back({.token = 42, .position = cached, .sequence = 0, .parent = -1});
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"

namespace gatehouse {

struct BatchRow {
  int32_t token = 0;
  int32_t embedding = -1;  // row of a picture's vectors that stands in for the token's, or -1
  int32_t position = 0;
  int32_t sequence = 0;
  int32_t parent = -1;  // earlier row of this batch, or -1: the sequence's last cached token
  int32_t picture = 0;  // which of Batch::embeddings `embedding` is a row of
};

struct BatchSequence {
  std::vector<int32_t> pages;  // must cover slots 0 .. cached + rows of this batch - 1
  int32_t cached = 0;          // tokens in the cache, at slots and positions 0 .. cached - 1
};

struct Batch {
  std::vector<BatchRow> rows;  // rows of one sequence follow each other; the i-th goes to slot cached + i
  std::vector<BatchSequence> sequences;
  std::vector<Mat> embeddings;           // device, [n, hidden] each: of one picture or more
  std::vector<LogitQuestion> questions;  // what is wanted after some of the rows
  // All rows go through the whole last layer, though nobody reads what comes out of it: for those who look
  // at the products on the way.
  bool all_rows = false;
};

// Slots and visible keys of every row. chunk: positions per attention chunk, 0 for none.
AttentionLayout MakeLayout(const Batch& batch, int64_t chunk);

}  // namespace gatehouse
