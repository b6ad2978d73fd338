"""The arguments that several commands share, with their help."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

Files = Annotated[list[str], Parameter(name="FILE...", help="JSONL, CSV or Parquet; or hub:owner/name[:split].")]
RunFolder = Annotated[Path, Parameter(name="RUN", help="A folder that `whence train` made.")]
BaseModel = Annotated[str, Parameter(metavar="NAME", help="A known model, a local folder or a hub id.")]
Method = Annotated[str | None, Parameter(metavar="NAME", help="Whose index to use, where there are several.")]
Json = Annotated[bool, Parameter(name="--json", show_default=False, help="Print one JSON document and nothing else.")]

Flag = Parameter(show_default=False)
AtLeastOne = Parameter(validator=Number(gte=1))
Positive = Parameter(validator=Number(gt=0))
Fraction = Parameter(validator=Number(gt=0, lt=1))
