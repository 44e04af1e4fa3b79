// The processors that this process may use: how many threads a program starts unless it is told.
//
//   const int threads = UsableCores();
//
// A process may be bound to some of the machine's processors (taskset, a container's cpuset), and control
// groups may grant it less time than these have: a container limited to 2 of 64 cores still sees all 64, and
// 64 threads in it would wait for each other most of the time.
//
// `root` stands before every path that is read; it is empty but in tests.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace gatehouse {

// The logical processors that the calling thread is allowed to run on, ascending; empty if the system does
// not tell.
std::vector<int> AllowedProcessors();

// How many physical cores these logical processors belong to: siblings on one core share the units that
// products need. Each counts where the system does not tell.
int PhysicalCores(const std::vector<int>& processors, const std::string& root = "");

// The time that control groups grant this process, in processors, rounded up: the least quota of its own
// group and those around it, in either version of control groups. None where there is no quota, or it cannot
// be read.
std::optional<int> ProcessorQuota(const std::string& root = "");

// The smaller of the two, at least 1.
int UsableCores();

}  // namespace gatehouse
