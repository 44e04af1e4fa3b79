// Which processors a process may use: lines as the kernel writes them under a root of our own, quotas and
// cores counted by hand; and the affinity of this very thread.
#include "base/processors.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <string>
#include <thread>

#include "base/thread_pool.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

// A root directory with some files of /proc and /sys.
class Root {
 public:
  Root& With(const std::string& path, const std::string& text) {
    test::WriteBytes(dir_.path() + path, text);
    return *this;
  }
  std::optional<int> Quota() const { return ProcessorQuota(dir_.path()); }
  int Cores(const std::vector<int>& processors) const { return PhysicalCores(processors, dir_.path()); }

 private:
  test::TempDir dir_;
};

constexpr char kMounts2[] =
    "22 27 0:21 / /proc rw,nosuid - proc proc rw\n"
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

std::optional<int> QuotaOfMax(const std::string& cpu_max) {
  Root root;
  root.With("/proc/self/mountinfo", kMounts2).With("/proc/self/cgroup", "0::/\n");
  root.With("/sys/fs/cgroup/cpu.max", cpu_max);
  return root.Quota();
}

TEST(Processors, QuotasAreRoundedUp) {
  EXPECT_EQ(QuotaOfMax("200000 100000\n"), 2);
  EXPECT_EQ(QuotaOfMax("150000 100000\n"), 2);
  EXPECT_EQ(QuotaOfMax("50000 100000\n"), 1);
  EXPECT_EQ(QuotaOfMax("1000 1000000\n"), 1);
  EXPECT_EQ(QuotaOfMax("6400000 100000\n"), 64);
  EXPECT_EQ(QuotaOfMax("35000 10000\n"), 4);
}

TEST(Processors, NoQuotaAndNonsenseAreNone) {
  for (const char* text : {"max 100000\n", "max\n", "", "0 100000\n", "-1 100000\n", "100000\n", "100000 0\n",
                           "two 100000\n", "99999999999999999999 100000\n"}) {
    EXPECT_EQ(QuotaOfMax(text), std::nullopt) << text;
  }
  EXPECT_EQ(Root().Quota(), std::nullopt);
  Root no_group;
  no_group.With("/proc/self/mountinfo", kMounts2).With("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(no_group.Quota(), std::nullopt);
  Root garbage;
  garbage.With("/proc/self/mountinfo", "\n - \nx - cgroup2\n1 2 3 4 - cgroup2 c rw\n")
      .With("/proc/self/cgroup", "\n:\n0\n::\n0::\n");
  EXPECT_EQ(garbage.Quota(), std::nullopt);
}

// A service in a slice: the group's own limit and those around it all hold.
TEST(Processors, TheLeastQuotaOnTheWayUpHolds) {
  Root root;
  root.With("/proc/self/mountinfo", kMounts2).With("/proc/self/cgroup", "0::/big.slice/one.service/part\n");
  root.With("/sys/fs/cgroup/big.slice/cpu.max", "800000 100000\n");
  EXPECT_EQ(root.Quota(), 8);
  root.With("/sys/fs/cgroup/big.slice/one.service/cpu.max", "300000 100000\n");
  EXPECT_EQ(root.Quota(), 3);
  root.With("/sys/fs/cgroup/big.slice/one.service/part/cpu.max", "max 100000\n");
  EXPECT_EQ(root.Quota(), 3);
  root.With("/sys/fs/cgroup/other/cpu.max", "100000 100000\n");
  EXPECT_EQ(root.Quota(), 3);
  root.With("/sys/fs/cgroup/big.slice/one.service/part/cpu.max", "110000 100000\n");
  EXPECT_EQ(root.Quota(), 2);
}

// Version 1 beside an empty tree of version 2; the container sees its own group as the top of the tree.
TEST(Processors, AContainerUnderVersion1) {
  Root root;
  root.With("/proc/self/cgroup",
            "12:cpuset:/docker/5f\n4:cpu,cpuacct:/docker/5f\n1:name=systemd:/docker/5f\n0::/docker/5f\n");
  root.With("/proc/self/mountinfo",
            "41 40 0:35 /docker/5f /sys/fs/cgroup/cpuset ro,nosuid master:12 - cgroup cgroup rw,cpuset\n"
            "42 40 0:36 /docker/5f /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:13 - cgroup cgroup "
            "rw,cpu,cpuacct\n"
            "43 40 0:37 /docker/5f /sys/fs/cgroup/unified ro,nosuid master:14 - cgroup2 cgroup2 rw\n");
  const std::string folder = "/sys/fs/cgroup/cpu,cpuacct/";
  root.With(folder + "cpu.cfs_quota_us", "-1\n").With(folder + "cpu.cfs_period_us", "100000\n");
  root.With("/sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "100000\n");  // not a tree of processor time
  EXPECT_EQ(root.Quota(), std::nullopt);
  root.With(folder + "cpu.cfs_quota_us", "250000\n");
  EXPECT_EQ(root.Quota(), 3);
  root.With(folder + "cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(root.Quota(), 5);
}

// The kernel writes a blank as \040; a group of another container's name is not below this mount's top; and a
// process outside of what it sees has ".." in its path.
TEST(Processors, OddPaths) {
  Root blank;
  blank.With("/proc/self/mountinfo", "30 23 0:26 /a\\040b /my\\040groups rw - cgroup2 cgroup2 rw\n")
      .With("/proc/self/cgroup", "0::/a b/c\n")
      .With("/my groups/c/cpu.max", "400000 100000\n");
  EXPECT_EQ(blank.Quota(), 4);
  Root neighbour;
  neighbour.With("/proc/self/mountinfo", "30 23 0:26 /pod1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
      .With("/proc/self/cgroup", "0::/pod12\n")
      .With("/sys/fs/cgroup/2/cpu.max", "100000 100000\n")
      .With("/sys/fs/cgroup/cpu.max", "700000 100000\n");
  EXPECT_EQ(neighbour.Quota(), 7);
  Root outside;
  outside.With("/proc/self/mountinfo", kMounts2)
      .With("/proc/self/cgroup", "0::/../elsewhere\n")
      .With("/sys/fs/elsewhere/cpu.max", "100000 100000\n")
      .With("/sys/fs/cgroup/cpu.max", "900000 100000\n");
  EXPECT_EQ(outside.Quota(), 9);
}

TEST(Processors, SiblingsAreOneCore) {
  Root root;
  const auto siblings = [&](int processor, const char* list) {
    root.With("/sys/devices/system/cpu/cpu" + std::to_string(processor) + "/topology/thread_siblings_list",
              list);
  };
  for (const int processor : {0, 2}) siblings(processor, "0,2\n");
  for (const int processor : {1, 3}) siblings(processor, "1,3\n");
  for (int processor = 4; processor < 8; ++processor) siblings(processor, "4-7\n");
  EXPECT_EQ(root.Cores({0, 1, 2, 3}), 2);
  EXPECT_EQ(root.Cores({2}), 1);
  EXPECT_EQ(root.Cores({0, 2}), 1);
  EXPECT_EQ(root.Cores({2, 3, 5, 6, 7}), 3);
  EXPECT_EQ(root.Cores({8, 9, 10}), 3);  // of these the system tells nothing
  EXPECT_EQ(root.Cores({}), 0);
}

TEST(Processors, AThreadBoundToOneProcessorUsesOne) {
  const std::vector<int> all = AllowedProcessors();
  ASSERT_FALSE(all.empty());
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_LE(UsableCores(), static_cast<int>(all.size()));
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(all.back()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(AllowedProcessors(), std::vector<int>{all.back()});
    EXPECT_EQ(UsableCores(), 1);
    EXPECT_EQ(ThreadPool::DefaultThreads(), 1);
  }).join();
}

}  // namespace
}  // namespace gatehouse
