#include "html_scan.h"

#include <algorithm>

namespace gatehouse {
namespace {

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == ':';
}

class Scanner {
 public:
  explicit Scanner(std::string_view page) : page_(page) {}

  HtmlScan Run() {
    while (scan_.problem.empty()) {
      const size_t at = page_.find_first_of("<>", at_);
      if (at == std::string_view::npos) break;
      at_ = at;
      if (page_[at_] == '>') {
        Fail("a > outside of a tag");
      } else if (page_.substr(at_, 9) == "<!doctype") {
        at_ = page_.find('>', at_) + 1;
      } else if (page_.substr(at_, 2) == "</") {
        Close();
      } else {
        Open();
      }
    }
    if (scan_.problem.empty() && !open_.empty()) Fail("not closed: " + open_.back());
    return std::move(scan_);
  }

 private:
  void Fail(const std::string& what) { scan_.problem = what + " at: " + std::string(page_.substr(at_, 80)); }

  std::string Name() {
    const size_t begin = at_;
    while (at_ < page_.size() && IsNameCharacter(page_[at_])) ++at_;
    return std::string(page_.substr(begin, at_ - begin));
  }

  bool Skip(std::string_view text) {
    if (page_.substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }

  void Close() {
    at_ += 2;
    const std::string name = Name();
    if (open_.empty() || open_.back() != name || !Skip(">")) return Fail("</" + name + "> closes nothing");
    open_.pop_back();
  }

  void Open() {
    ++at_;
    HtmlTag tag{Name(), {}};
    if (tag.name.empty()) return Fail("a < that begins no tag");
    while (Skip(" ")) {
      const std::string attribute = Name();
      if (attribute.empty()) return Fail("no attribute");
      std::string value;
      if (Skip("=")) {
        if (!Skip("\"")) return Fail("an attribute without quotes");
        const size_t end = std::min(page_.size(), page_.find('"', at_));
        value = page_.substr(at_, end - at_);
        at_ = end;
        if (value.find_first_of("<>") != std::string::npos) return Fail("a tag in an attribute");
        if (!Skip("\"")) return Fail("an attribute without end");
      }
      tag.attributes[attribute] = value;
    }
    const bool closed = Skip("/");
    if (!Skip(">")) return Fail("<" + tag.name + " without end");
    const bool empty = tag.name == "meta" || tag.name == "col" || closed;
    // What is in these two is not HTML.
    if (tag.name == "style" || tag.name == "script") {
      const size_t end = std::min(page_.size(), page_.find("</", at_));
      (tag.name == "style" ? scan_.style : scan_.script) = page_.substr(at_, end - at_);
      at_ = end;
    }
    if (!empty) open_.push_back(tag.name);
    scan_.tags.push_back(std::move(tag));
  }

  std::string_view page_;
  size_t at_ = 0;
  std::vector<std::string> open_;
  HtmlScan scan_;
};

}  // namespace

int HtmlScan::Count(std::string_view name) const {
  return static_cast<int>(
      std::count_if(tags.begin(), tags.end(), [name](const HtmlTag& tag) { return tag.name == name; }));
}

HtmlScan ScanHtml(std::string_view page) { return Scanner(page).Run(); }

}  // namespace gatehouse
