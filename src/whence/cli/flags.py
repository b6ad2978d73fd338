"""The arguments that several commands share, with their help."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

Files = Annotated[list[str], Parameter(name="FILE...", help="JSONL, CSV or Parquet files, or hub:owner/name[:split].")]
RunFolder = Annotated[Path, Parameter(name="RUN", help="Folder of the run.")]
BaseModel = Annotated[str, Parameter(metavar="NAME", help="A known model, a local folder or a hub ID.")]
Method = Annotated[str | None, Parameter(metavar="NAME", help="Method of the index to use, if the run has several.")]
Json = Annotated[bool, Parameter(name="--json", show_default=False, help="Print a JSON document and nothing else.")]

Flag = Parameter(show_default=False)
AtLeastOne = Parameter(validator=Number(gte=1))
Positive = Parameter(validator=Number(gt=0))
Fraction = Parameter(validator=Number(gt=0, lt=1))
