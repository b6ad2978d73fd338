"""All speed benchmarks, one after the other: `make bench`. The recall tables have a command of their own."""

import subprocess
import sys

for name in ("build", "search", "memory", "ask"):
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
