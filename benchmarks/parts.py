"""The parts of a measurement, by the name that `--only` takes."""

# In this order. Each is a module with `measure` and the number of its ROUNDS; it is imported when
# it is measured, so that a part can be measured while another one is being worked on.
PARTS = {
    "listing": "benchmarks.listing",
    "indexes": "benchmarks.index_costs",
    "scale": "benchmarks.scale",
    "paging": "benchmarks.paging",
    "saves": "benchmarks.saves",
    "latency": "benchmarks.latency",
    "baseline": "benchmarks.baseline",
    "cold": "benchmarks.cold_start",
    "memory": "benchmarks.memory",
    "large": "benchmarks.large_files",
    "fairness": "benchmarks.fairness",
    "cache": "benchmarks.cache",
    "moving": "benchmarks.moving",
    "webhook": "benchmarks.webhook",
    "slow": "benchmarks.slow",
}
