#!/usr/bin/env python3
"""A dimension of report.json as a Markdown table: report_table.py out/report.json [source|category|language|role]"""
import json
import sys

report = json.load(open(sys.argv[1], encoding="utf-8"))
dimension = sys.argv[2] if len(sys.argv) > 2 else "source"
percent = lambda x: "-" if x is None else f"{100 * x:.1f}"


def interval(group, figure):
    value, bounds = group[figure], group["ci"].get(figure)
    if value is None or bounds is None:
        return percent(value)
    return f"{percent(value)} ({percent(bounds[0])}-{percent(bounds[1])})"


print(f"| {dimension} | rows | unsafe | recall % | FPR % | F1 % | AUROC % |")
print("| --- | --- | --- | --- | --- | --- | --- |")
for name, group in report["groups"][dimension].items():
    print(f"| {name} | {group['n']} | {group['tp'] + group['fn']} | {interval(group, 'recall')} | {interval(group, 'fpr')} "
          f"| {interval(group, 'f1')} | {interval(group, 'auroc')} |")
