// HoldPipes: an evaluation reads its data several times (to choose rows, to judge them, to show them), a pipe
// can be read once. What it gives is kept on the disk, in a file without a name, as long as the input is.
//
//   std::vector<DatasetReader::Input> data = {{"/dev/fd/63", {}}};  // gatehouse eval --data <(zcat rows.gz)
//   GATEHOUSE_TRY(HoldPipes(&data));
#pragma once

#include <vector>

#include "data/dataset.h"
#include "gatehouse/result.h"

namespace gatehouse {

// "-" is standard input. Errors: kBadInput: a pipe that cannot be read; kInternal: no room on the disk.
Result<void> HoldPipes(std::vector<DatasetReader::Input>* inputs);

}  // namespace gatehouse
