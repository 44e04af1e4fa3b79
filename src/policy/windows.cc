#include "policy/windows.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "base/error.h"

namespace gatehouse {
namespace {

// With less room than this for text, windows would be words out of context.
constexpr int64_t kLeastRoom = 32;
constexpr int64_t kShareOfTurns = 4;  // a quarter
// A piece without a border inside (letters without a space) is cut at a token where it takes a larger share.
constexpr int64_t kShareOfPiece = 16;

// Where the text of the last message may be cut.
struct Place {
  size_t part;   // of its texts
  size_t bytes;  // of that text
  int64_t cost;  // tokens from the message's beginning to here, about: where a text begins in mid-word it has
                 // others
};

Message WithoutText(const Message& message) {
  Message out{message.role, {}};
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::kImage) out.parts.push_back(part);
  }
  return out;
}

class Cutter {
 public:
  Cutter(const Conversation& conversation, const WindowLimits& limits, const Tokenizer& tokenizer,
         const CountTokens& count)
      : conversation_(conversation),
        limits_(limits),
        tokenizer_(tokenizer),
        count_(count),
        bare_(WithoutText(conversation.messages.back())) {}

  Result<Windows> Cut(std::vector<EncodedText>* known) {
    GATEHOUSE_TRY(ChooseTurns());
    GATEHOUSE_TRY(FindPlaces(known));
    const int64_t whole = places_.back().cost;
    if (whole > room_) {
      const int64_t half = std::max<int64_t>(room_ / 2, 1);
      if ((whole - room_ + half - 1) / half >= limits_.most) return TooMany();
    }
    for (size_t begin = 0;;) {
      if (static_cast<int>(out_.list.size()) == limits_.most) return TooMany();
      GATEHOUSE_ASSIGN(const size_t end, AddWindow(begin));
      if (end + 1 == places_.size()) return std::move(out_);
      const int64_t middle = (places_[begin].cost + places_[end].cost) / 2;
      begin = std::clamp(LastUpTo(middle), begin + 1, end);
    }
  }

 private:
  // The last message with such texts, behind the latest messages but so many.
  Conversation With(size_t dropped, std::vector<Part> texts) const {
    Conversation out;
    const std::vector<Message>& messages = conversation_.messages;
    const auto kept = messages.begin() + static_cast<int64_t>(dropped);
    // An answer stands behind a question, if an empty one.
    if (dropped + 1 == messages.size() && bare_.role == Role::kAssistant) out.AddUser({});
    out.messages.insert(out.messages.end(), kept, std::prev(messages.end()));
    out.messages.push_back(bare_);
    std::vector<Part>& parts = out.messages.back().parts;
    parts.insert(parts.end(), std::make_move_iterator(texts.begin()), std::make_move_iterator(texts.end()));
    return out;
  }

  Result<int64_t> CountWith(size_t dropped, int texts) const {
    return count_(With(dropped, std::vector<Part>(static_cast<size_t>(texts), Part::Text({}))));
  }

  // Drops as few of the messages before the last as must be, in pairs from the oldest on.
  Result<void> ChooseTurns() {
    const size_t before = conversation_.messages.size() - 1;
    GATEHOUSE_ASSIGN(const int64_t frame, CountWith(before, 1));
    if (limits_.tokens - frame < kLeastRoom) {
      return BadInput("prompt too long", "conversation",
                      "at most " + std::to_string(limits_.tokens) + " tokens",
                      "a policy and images of " + std::to_string(frame) + ", which leave no room for text");
    }
    const int64_t most = frame + (limits_.tokens - frame) / kShareOfTurns;
    // The numbers of pairs that may go are few or many: halved until one is left.
    size_t low = 0, high = (before + 1) / 2;
    while (low < high) {
      const size_t pairs = (low + high) / 2;
      GATEHOUSE_ASSIGN(const int64_t tokens, CountWith(std::min(2 * pairs, before), 1));
      if (tokens <= most) {
        high = pairs;
      } else {
        low = pairs + 1;
      }
    }
    dropped_ = std::min(2 * low, before);
    out_.dropped_messages = static_cast<int>(dropped_);
    GATEHOUSE_ASSIGN(const int64_t taken, CountWith(dropped_, 1));
    room_ = limits_.tokens - taken;
    return {};
  }

  Result<void> FindPlaces(std::vector<EncodedText>* known) {
    // All at once: the texts are looked at where they are.
    const std::vector<Part>& parts = conversation_.messages.back().parts;
    known->resize(std::max(known->size(), parts.size()));
    size_t part = 0;
    int64_t cost = 0, between = 0;
    for (const Part& one : parts) {
      if (one.kind != Part::Kind::kText) continue;
      tokenizer_.Encode(one.text, &(*known)[part]);
      if (part == 1) {
        GATEHOUSE_ASSIGN(const int64_t two, CountWith(dropped_, 2));
        between = std::max<int64_t>(two + room_ - limits_.tokens, 0);
      }
      if (part > 0) cost += between;
      places_.push_back({part, 0, cost});
      AddPlaces((*known)[part], part, &cost);
      texts_.push_back((*known)[part].text);
      ++part;
    }
    if (places_.empty()) {
      places_.push_back({0, 0, 0});
      texts_.emplace_back();
    }
    return {};
  }

  void AddPlaces(const EncodedText& text, size_t part, int64_t* cost) {
    const int64_t longest = std::max<int64_t>(room_ / kShareOfPiece, 1);
    const int64_t before = *cost;
    size_t ids = 0, bytes = 0;
    for (const EncodedText::Cut& cut : text.cuts) {
      if (static_cast<int64_t>(cut.ids - ids) > longest) {
        int64_t since = 0;
        for (; ids < cut.ids && bytes < cut.bytes; ++ids) {
          const bool mid_character = (static_cast<unsigned char>(text.text[bytes]) & 0xC0) == 0x80;
          if (since >= longest && !mid_character) {
            places_.push_back({part, bytes, before + static_cast<int64_t>(ids)});
            since = 0;
          }
          bytes += tokenizer_.Decode(std::span(&text.ids[ids], 1)).size();
          ++since;
        }
      }
      ids = cut.ids;
      bytes = cut.bytes;
      *cost = before + static_cast<int64_t>(ids);
      places_.push_back({part, bytes, *cost});
    }
  }

  // The last place that costs no more; the first one, if all cost more.
  size_t LastUpTo(int64_t cost) const {
    const auto after = std::upper_bound(places_.begin(), places_.end(), cost,
                                        [](int64_t value, const Place& place) { return value < place.cost; });
    return after == places_.begin() ? 0 : static_cast<size_t>(after - places_.begin()) - 1;
  }

  Conversation Window(size_t begin, size_t end) const {
    std::vector<Part> texts;
    for (size_t part = places_[begin].part; part <= places_[end].part; ++part) {
      const size_t from = part == places_[begin].part ? places_[begin].bytes : 0;
      const size_t to = part == places_[end].part ? places_[end].bytes : texts_[part].size();
      if (from < to) texts.push_back(Part::Text(std::string(texts_[part].substr(from, to - from))));
    }
    if (texts.empty()) texts.push_back(Part::Text({}));
    return With(dropped_, std::move(texts));
  }

  // Adds what begins there and is as long as fits; returns where it ends.
  Result<size_t> AddWindow(size_t begin) {
    const size_t last = places_.size() - 1;
    size_t end = std::clamp(LastUpTo(places_[begin].cost + room_), std::min(begin + 1, last), last);
    while (true) {
      Conversation window = Window(begin, end);
      GATEHOUSE_ASSIGN(const int64_t tokens, count_(window));
      if (tokens <= limits_.tokens) {
        out_.list.push_back(std::move(window));
        return end;
      }
      if (end <= begin + 1) {
        return BadInput("prompt too long", "conversation",
                        "at most " + std::to_string(limits_.tokens) + " tokens",
                        std::to_string(tokens) + " in a piece of text that cannot be cut");
      }
      const size_t shorter = LastUpTo(places_[end].cost - (tokens - limits_.tokens));
      end = std::clamp(shorter, begin + 1, end - 1);
    }
  }

  Error TooMany() const {
    return BadInput("prompt too long", "conversation",
                    "at most " + std::to_string(limits_.most) + " windows of " +
                        std::to_string(limits_.tokens) + " tokens",
                    std::to_string(places_.back().cost) +
                        " tokens of text in the last message, with room for " + std::to_string(room_) +
                        " in each, half of them the neighbour's");
  }

  const Conversation& conversation_;
  const WindowLimits limits_;
  const Tokenizer& tokenizer_;
  const CountTokens& count_;
  const Message bare_;  // the last message's images
  size_t dropped_ = 0;
  int64_t room_ = 0;  // tokens of text in a window
  std::vector<Place> places_;
  std::vector<std::string_view> texts_;
  Windows out_;
};

}  // namespace

std::string LastTexts(const Conversation& window) {
  std::string out;
  for (const Part& part : window.messages.back().parts)
    out += std::to_string(part.text.size()) + ':' + part.text;
  return out;
}

Result<Windows> CutIntoWindows(const Conversation& conversation, const WindowLimits& limits,
                               const Tokenizer& tokenizer, const CountTokens& count,
                               std::vector<EncodedText>* known) {
  std::vector<EncodedText> own;
  return Cutter(conversation, limits, tokenizer, count).Cut(known == nullptr ? &own : known);
}

}  // namespace gatehouse
