#include "base/processors.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

namespace gatehouse {
namespace {

// A mounted tree of control groups that may limit processor time.
struct GroupTree {
  bool version2 = false;
  std::string mount;  // where it is mounted
  std::string top;    // which group is seen there; "/" is the system's whole tree
};

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) out.push_back(part);
  return out;
}

bool Names(const std::string& list, const std::string& wanted) {
  const std::vector<std::string> names = Split(list, ',');
  return std::find(names.begin(), names.end(), wanted) != names.end();
}

// Blanks and the like stand as \040 in /proc/self/mountinfo.
std::string Unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string digits = text.substr(i + 1, 3);
    if (text[i] == '\\' && digits.size() == 3 && digits.find_first_not_of("01234567") == std::string::npos) {
      out += static_cast<char>(std::stoi(digits, nullptr, 8));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// A line of mountinfo: "31 23 0:28 TOP MOUNT OPTIONS TAG... - TYPE SOURCE OPTIONS", with any number of tags.
std::optional<GroupTree> ReadMount(const std::string& line) {
  const size_t dash = line.find(" - ");
  if (dash == std::string::npos) return std::nullopt;
  const std::vector<std::string> front = Split(line.substr(0, dash), ' ');
  const std::vector<std::string> back = Split(line.substr(dash + 3), ' ');
  if (front.size() < 5 || back.size() < 3) return std::nullopt;
  const bool version2 = back[0] == "cgroup2";
  if (!version2 && !(back[0] == "cgroup" && Names(back[2], "cpu"))) return std::nullopt;
  return GroupTree{version2, Unescaped(front[4]), Unescaped(front[3])};
}

// This process's group in the tree, from "0::GROUP" or "4:cpu,cpuacct:GROUP"; none if it is in no such tree.
std::optional<std::string> OwnGroup(bool version2, const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version2 ? line.rfind("0::", 0) == 0 : Names(controllers, "cpu")) return line.substr(second + 1);
  }
  return std::nullopt;
}

// The group's path below the mount: "" or "/a/b". A container may see its own group as the tree's top.
std::string BelowMount(const GroupTree& tree, const std::string& group) {
  if (group.find("..") != std::string::npos) return "";
  const std::string top = tree.top == "/" ? "" : tree.top;
  const bool inside = group.rfind(top, 0) == 0 && (group.size() == top.size() || group[top.size()] == '/');
  const std::string below = inside ? group.substr(top.size()) : "";
  return below == "/" ? "" : below;
}

// What one group grants, in processors, rounded up.
std::optional<int> QuotaOf(bool version2, const std::string& folder) {
  int64_t quota = 0, period = 0;  // of microseconds; no quota is "max", -1 or no file
  if (version2) {
    std::ifstream(folder + "/cpu.max") >> quota >> period;
  } else {
    std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  const int64_t whole = quota / period + (quota % period != 0 ? 1 : 0);
  return static_cast<int>(std::min<int64_t>(whole, 1 << 20));
}

}  // namespace

std::vector<int> AllowedProcessors() {
  std::vector<int> out;
  // The set must have room for all processors that the kernel may number.
  for (int room = 1024; room <= 1 << 20; room *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(static_cast<size_t>(room)),
                                                               [](cpu_set_t* one) { CPU_FREE(one); });
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(room));
    if (set == nullptr) return out;
    CPU_ZERO_S(bytes, set.get());
    if (::sched_getaffinity(0, bytes, set.get()) != 0) {
      if (errno == EINVAL) continue;
      return out;
    }
    for (int processor = 0; processor < room; ++processor) {
      if (CPU_ISSET_S(static_cast<size_t>(processor), bytes, set.get())) out.push_back(processor);
    }
    return out;
  }
  return out;
}

int PhysicalCores(const std::vector<int>& processors, const std::string& root) {
  std::set<int> cores;  // each by its first sibling
  for (const int processor : processors) {
    // The list begins with the first sibling: "0" or "0,64" or "0-1".
    std::ifstream siblings(root + "/sys/devices/system/cpu/cpu" + std::to_string(processor) +
                           "/topology/thread_siblings_list");
    int first = processor;
    if (!(siblings >> first)) first = processor;
    cores.insert(first);
  }
  return static_cast<int>(cores.size());
}

std::optional<int> ProcessorQuota(const std::string& root) {
  std::optional<int> least;
  std::ifstream mounts(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const std::optional<GroupTree> tree = ReadMount(line);
    const std::optional<std::string> group = tree ? OwnGroup(tree->version2, root) : std::nullopt;
    if (!group) continue;
    // From the group itself up to the top that is seen here.
    for (std::string below = BelowMount(*tree, *group);; below.resize(below.rfind('/'))) {
      const std::optional<int> quota = QuotaOf(tree->version2, root + tree->mount + below);
      if (quota && (!least || *quota < *least)) least = quota;
      if (below.empty()) break;
    }
  }
  return least;
}

int UsableCores() {
  const int cores = PhysicalCores(AllowedProcessors());
  const int present = cores > 0 ? cores : static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(present, ProcessorQuota().value_or(present)));
}

}  // namespace gatehouse
