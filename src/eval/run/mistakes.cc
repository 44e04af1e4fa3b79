#include "eval/run/mistakes.h"

#include <algorithm>
#include <map>
#include <memory>

#include "eval/run/record.h"

namespace gatehouse {
namespace {

constexpr size_t kMostListed = 50;  // of each kind
constexpr size_t kTextBytes = 2000;

// Keeps the `kMostListed` rows with the largest `wrongness`.
class Worst {
 public:
  void Offer(double wrongness, const Prediction& prediction, const Decision& decision) {
    if (rows_.size() >= kMostListed && wrongness <= rows_.begin()->first) return;
    rows_.emplace(wrongness, MistakeOf(prediction, decision));
    if (rows_.size() > kMostListed) rows_.erase(rows_.begin());
  }
  void MoveTo(std::vector<Mistake>* out) {
    for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) out->push_back(std::move(row->second));
  }

 private:
  std::multimap<double, Mistake> rows_;
};

std::string TextOf(const EvalRow& row) {
  std::string text;
  for (const Part& part : row.conversation.messages.back().parts) {
    if (!text.empty()) text += '\n';
    text += part.kind == Part::Kind::kImage ? "[image " + part.image_name + "]" : part.text;
  }
  if (text.size() <= kTextBytes) return text;
  size_t cut = kTextBytes;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // between characters
  return text.substr(0, cut) + "…";
}

// Ids need not differ: where two rows could be meant, nobody is shown one as if it were the other.
void AddText(std::string text, std::string* to) {
  constexpr std::string_view kSeveral = "[several rows have this id] ";
  if (to->empty()) {
    *to = std::move(text);
  } else if (*to != text && !to->starts_with(kSeveral)) {
    to->insert(0, kSeveral);
  }
}

}  // namespace

Mistake MistakeOf(const Prediction& prediction, const Decision& decision) {
  Mistake out;
  out.id = prediction.id;
  out.source = prediction.source;
  out.language = prediction.language;
  out.role = prediction.role;
  out.unsafe = prediction.unsafe;
  out.score = prediction.unsafe_score;
  out.labelled = prediction.categories;
  out.predicted = decision.categories;
  return out;
}

Result<void> AddMistakes(const std::string& record, const VerdictRule& rule, Report* report) {
  Worst missed, false_alarms;
  GATEHOUSE_TRY(ForEachJudged(record, [&](const Prediction& prediction) {
    const Decision decision = Decide(rule, prediction);
    if (decision.unsafe == prediction.unsafe) return;
    if (prediction.unsafe) {
      missed.Offer(-prediction.unsafe_score, prediction, decision);
    } else {
      false_alarms.Offer(prediction.unsafe_score, prediction, decision);
    }
  }));
  missed.MoveTo(&report->mistakes);
  false_alarms.MoveTo(&report->mistakes);
  return {};
}

Result<void> AddTexts(std::vector<DatasetReader::Input> data,
                      const std::vector<std::vector<Mistake>*>& lists) {
  std::multimap<std::string, Mistake*> wanted;
  for (std::vector<Mistake>* list : lists) {
    for (Mistake& mistake : *list) wanted.emplace(mistake.id, &mistake);
  }
  if (wanted.empty()) return {};
  GATEHOUSE_ASSIGN(const std::unique_ptr<DatasetReader> reader, DatasetReader::Open(std::move(data)));
  while (true) {
    GATEHOUSE_ASSIGN(const auto next, reader->Next());
    if (!next) return {};
    const EvalRow* row = std::get_if<EvalRow>(&*next);
    if (row == nullptr) continue;
    const auto [first, last] = wanted.equal_range(row->id);
    for (auto one = first; one != last; ++one) {
      Mistake& mistake = *one->second;
      if (mistake.source == row->source && mistake.language == row->language &&
          mistake.unsafe == row->unsafe && mistake.role == RoleName(row->role()))
        AddText(TextOf(*row), &mistake.text);
    }
  }
}

}  // namespace gatehouse
