import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CODE = """
import sys
from tests.edge_agent.bare_agent import NoPandas

sys.meta_path.insert(0, NoPandas())
import numpy as np
import edge_agent.__main__, edge_agent.capture, edge_agent.check
from edge_agent.records import CLASSIC, Arrival, coded_table, gathered
from telemetry_pipeline.lake.parquet import open_object, write_raw

table = coded_table(gathered([Arrival("can0", np.zeros(9000, CLASSIC))]), "V")
assert open_object(write_raw(table), "").metadata.num_rows == 9000
print(sorted({"can", "edge_agent.simulate", "numpy.random", "pyarrow.compute"} & {*sys.modules}))
"""


def test_a_raspberry_that_captures_loads_nothing_that_it_does_not_use():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert done.stdout.strip() == "[]"
