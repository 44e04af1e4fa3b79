// Augmentation: other lists of categories than the policy's, so that a model learns to judge by the list that
// it is given: categories are left out, shuffled, or told by their description.
//
//   const CategoryList list = MakeList(policy, options, random);
//   if (const auto wanted = WantedBy(list, row)) ...   // none: under this list the row teaches nothing
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/row.h"
#include "policy/policy.h"
#include "train/run/answer.h"
#include "train/run/random.h"

namespace gatehouse::train {

// Shares of batches.
struct AugmentationOptions {
  double drops = 0.2;      // in which some categories are left out
  int most_dropped = 5;    // one to so many of them
  double shuffles = 0.1;   // in which their order is another
  double describes = 0.1;  // in which descriptions stand in place of names
};

// The list of one batch; as the policy's own, `custom` is empty.
struct CategoryList {
  CategoryChoice choice;
  std::vector<std::string> keys;     // in order
  std::vector<std::string> dropped;  // of the policy's
};

// with_images: the list beside images, which some categories are not in.
CategoryList MakeList(const Policy& policy, bool with_images, const AugmentationOptions& options,
                      Random& random);

// What the row's answer is under that list: of an unsafe row the keys that the list still has, and safe where
// it has none of them. None: an unsafe row whose category is unknown, and may have been what is left out.
std::optional<WantedVerdict> WantedBy(const CategoryList& list, const EvalRow& row);

}  // namespace gatehouse::train
