"""The stages in order: pairs -> run -> index -> scores -> levels -> attribution, and what checks them.

The command line, the API's engines and jobs, and `import whence` reach all of these here, and nowhere else.
"""

from whence.auditing.audit import run_audit
from whence.auditing.dossier import Dossier, read_dossier
from whence.auditing.prepare import AuditPlan, PreparedAudit
from whence.auditing.summary import verdict_sentences
from whence.context.attribute import attribute_context
from whence.evaluation.evaluate import evaluate, evaluation_cost, retrainings_for, run_evaluation
from whence.evaluation.plan import EvaluationPlan
from whence.evaluation.report import report_tables
from whence.evaluation.result import Evaluation, read_evaluation
from whence.pipeline.answers import (
    attribute,
    attribute_all,
    explain,
    explain_pair,
    own_answer,
    score,
    token_influence,
)
from whence.pipeline.index import Index, build_index, index_folder
from whence.pipeline.runs import finetune, import_run
from whence.pipeline.verification import audit, evaluate_recall, keep_insights, prepare_audit
from whence.retraining.cost import Cost

__all__ = [
    "AuditPlan",
    "Cost",
    "Dossier",
    "Evaluation",
    "EvaluationPlan",
    "Index",
    "PreparedAudit",
    "attribute",
    "attribute_all",
    "attribute_context",
    "audit",
    "build_index",
    "evaluate",
    "evaluate_recall",
    "evaluation_cost",
    "explain",
    "explain_pair",
    "finetune",
    "import_run",
    "index_folder",
    "keep_insights",
    "own_answer",
    "prepare_audit",
    "read_dossier",
    "read_evaluation",
    "report_tables",
    "retrainings_for",
    "run_audit",
    "run_evaluation",
    "score",
    "token_influence",
    "verdict_sentences",
]
