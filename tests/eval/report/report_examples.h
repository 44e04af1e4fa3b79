// Reports to be shown: of simulated rows, of hostile names and texts, of no rows, of very many groups.
#pragma once

#include <cstdint>
#include <string>

#include "eval/report/report.h"
#include "eval/report/system_report.h"
#include "eval/report/training_report.h"

namespace gatehouse {

// Rows are the same for every model; `skill` is how far its scores of safe and unsafe rows lie apart.
struct ExampleModel {
  std::string name = "llama-guard-4-12b-int8", policy = "hazards-v1";
  uint64_t seed = 1;
  double skill = 4.2;
  double threshold = 0.5;
};
Report ExampleReport(const ExampleModel& model, size_t rows);
Comparison ExampleComparison(size_t models, size_t rows);

// Text that tries to run scripts, to leave its place in the page, or to command a terminal.
extern const char* const kHostileTexts[];
extern const size_t kHostileTextCount;
// Hostile text wherever data gives text.
Report HostileReport();
Comparison HostileComparison();

Report ManyGroups(int groups);

// With one text wherever data gives text.
SystemReport ExampleSystem(const std::string& text);

// A loss that falls and is noisy.
TrainingReport ExampleTraining(const std::string& name, int steps);

}  // namespace gatehouse
