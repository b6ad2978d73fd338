/** The service's shapes under the page's own names: the only place that names a component of its OpenAPI document. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Attribution = Schemas["AttributionAnswer"];
export type AttributionSummary = Schemas["AttributionRow"];
export type Influence = Schemas["Influence"];
export type Group = Schemas["Group"];
export type Trust = Schemas["Trust"];
export type Lift = Schemas["Lift"];
export type VerbatimSpan = Schemas["VerbatimAnswer"]["spans"][number];

export type DataFile = Schemas["FileAnswer"];
export type FileCheck = Schemas["CheckAnswer"];
export type FileProblem = Schemas["ProblemAnswer"];
export type FileRevision = Schemas["RevisionAnswer"];
export type Pair = Schemas["PairAnswer"];
export type PairInPlace = Schemas["PairInPlace"];
export type PairInAnswer = Schemas["PairInAnswer"];

export type BaseModel = Schemas["ModelAnswer"];
export type Deployment = Schemas["DeploymentAnswer"];
export type Estimate = Schemas["EstimateAnswer"];
export type EstimateRequest = Schemas["NewEstimate"];
export type Job = Schemas["FineTune"];
export type JobEvent = Schemas["FineTuneEvent"];
export type Lora = Schemas["LoRA"];
export type Run = Schemas["RunAnswer"];
export type RunFile = Schemas["RunFile"];
export type TrainingConfig = Schemas["TrainingConfig"];

export type Evaluation = Schemas["EvaluationBrief"];
export type RecurringPair = Schemas["RecurringPair"];
export type RunInsights = Schemas["InsightsAnswer"];
export type Suspect = Schemas["SuspectAnswer"];
export type Topic = Schemas["TopicAnswer"];
export type UnsupportedAnswer = Schemas["UnsupportedAnswer"];

export type Demo = Schemas["DemoAnswer"];
export type KeyList = Schemas["KeyList"];
export type Overview = Schemas["OverviewAnswer"];
