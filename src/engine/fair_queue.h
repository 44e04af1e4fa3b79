// FairQueue: what waits, in order of arrival for each tenant; the tenant that was served least comes next.
// One that had nothing waiting begins where the others are, so that nobody saves up.
#pragma once

#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace gatehouse {

template <typename T>
class FairQueue {
 public:
  using Place = typename std::list<T>::iterator;

  bool empty() const { return order_.empty(); }
  size_t size() const { return size_; }

  // The item must stay findable by its tenant's name until it is popped or erased.
  Place Push(const std::string& tenant, T item) {
    const auto [entry, is_new] = tenants_.try_emplace(tenant);
    try {
      entry->second.items.push_back(std::move(item));
      if (is_new) {
        entry->second.served = floor_;
        order_.insert({floor_, &entry->first});
      }
    } catch (...) {
      if (is_new) tenants_.erase(entry);
      throw;
    }
    ++size_;
    return std::prev(entry->second.items.end());
  }
  // Who comes next. Not when empty.
  T& front() { return tenants_.find(*order_.begin()->second)->second.items.front(); }
  // Takes the front out; it costs so much of its tenant's share.
  void Pop(double cost) {
    const auto entry = tenants_.find(*order_.begin()->second);
    auto next = order_.extract(order_.begin());
    floor_ = next.value().first;
    entry->second.items.pop_front();
    --size_;
    if (entry->second.items.empty()) {
      tenants_.erase(entry);
      return;
    }
    entry->second.served += cost;
    next.value().first = entry->second.served;
    order_.insert(std::move(next));
  }
  void Erase(const std::string& tenant, Place place) {
    const auto entry = tenants_.find(tenant);
    entry->second.items.erase(place);
    --size_;
    if (!entry->second.items.empty()) return;
    order_.erase({entry->second.served, &entry->first});
    tenants_.erase(entry);
  }

 private:
  struct Tenant {
    std::list<T> items;
    double served = 0;
  };
  std::map<std::string, Tenant> tenants_;                  // those with items
  std::set<std::pair<double, const std::string*>> order_;  // by what they were served
  double floor_ = 0;                                       // of whoever was served last
  size_t size_ = 0;
};

}  // namespace gatehouse
