#include "train/train_batch.h"

#include <utility>

namespace gatehouse::train {

TrainBatch MakeBatch(const std::vector<int32_t>& prefix, const std::vector<TrainText>& texts) {
  TrainBatch out;
  out.ids = prefix;
  std::vector<int64_t> lengths;
  for (const TrainText& text : texts) {
    const auto first = static_cast<int32_t>(out.ids.size());
    for (const TrainText::Target& target : text.targets)
      out.targets.push_back({first + target.at, target.token, target.weight});
    for (PictureRows picture : text.pictures) {
      picture.row += first;
      out.pictures.push_back(std::move(picture));
    }
    out.ids.insert(out.ids.end(), text.ids.begin(), text.ids.end());
    lengths.push_back(static_cast<int64_t>(text.ids.size()));
  }
  out.rows = Pack(static_cast<int64_t>(prefix.size()), lengths);
  return out;
}

}  // namespace gatehouse::train
