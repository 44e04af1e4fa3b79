#include "model/batch.h"

namespace gatehouse {

AttentionLayout MakeLayout(const Batch& batch, int64_t chunk) {
  AttentionLayout layout;
  std::vector<int32_t> used(batch.sequences.size(), 0);
  for (const BatchSequence& sequence : batch.sequences) layout.pages.push_back(sequence.pages);
  for (const BatchRow& row : batch.rows) {
    const int32_t cached = batch.sequences[static_cast<size_t>(row.sequence)].cached;
    AttentionLayout::Row out;
    out.sequence = row.sequence;
    out.slot = cached + used[static_cast<size_t>(row.sequence)]++;
    if (chunk > 0) out.begin_chunked = static_cast<int32_t>(row.position / chunk * chunk);
    // What the parent sees, and this row itself: by a longer range where the row stands right behind it,
    // otherwise by naming its slot.
    int32_t parent_extras = 0, parent_first = 0;
    out.end = cached;
    if (row.parent >= 0) {
      const AttentionLayout::Row& parent = layout.rows[static_cast<size_t>(row.parent)];
      out.end = parent.end;
      parent_first = parent.extra_first;
      parent_extras = parent.extra_count;
    }
    if (parent_extras == 0 && out.end == out.slot) {
      out.end = out.slot + 1;
    } else {
      out.extra_first = static_cast<int32_t>(layout.extra_slots.size());
      for (int32_t i = 0; i < parent_extras; ++i) {
        layout.extra_slots.push_back(layout.extra_slots[static_cast<size_t>(parent_first + i)]);
        layout.extra_positions.push_back(layout.extra_positions[static_cast<size_t>(parent_first + i)]);
      }
      layout.extra_slots.push_back(out.slot);
      layout.extra_positions.push_back(row.position);
      out.extra_count = parent_extras + 1;
    }
    layout.rows.push_back(out);
  }
  return layout;
}

}  // namespace gatehouse
