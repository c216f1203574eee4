export { StepsModule } from './steps.module.js';
export { StepsService } from './steps.service.js';
export { FlowService, type ReviewedStep } from './flow.service.js';
export { StepVersions } from './step-versions.service.js';
export { StepCountersQueries } from './step-counters.queries.js';
export { StepContents, type StepContent } from './step-contents.js';
export { StepInvalidError, StepNotFoundError } from './steps.errors.js';
export { AB_METRICS, type AbMetric, type AbTest, type InconclusivePolicy, type StepVariant } from './domain/ab-test.js';
export { toFlowItems } from './domain/flow-items.js';
export { type FlowItem } from './domain/flow-refs.js';
export { lineOf, mergeFlows, type Flow, type FlowExperiment, type FlowStep } from './domain/flow.js';
export { inOrder, resolveEdges, type FlowEdges } from './domain/flow-graph.js';
export { mapRuleStepIds } from './domain/rule-steps.js';
export {
  EMPTY_STEP,
  STEP_LIMITS,
  STEP_TYPES,
  WAIT_UNITS,
  ownSettings,
  stepLabel,
  type ActionConfig,
  type CampaignStep,
  type StepSettings,
  type StepType,
  type WaitDuration,
  type WaitEvent,
  type WaitUnit,
  type StepCounters,
} from './domain/step.js';
export { mapSplit, type SplitConfig } from './domain/split.js';
export { shownAction, webhookSecretContext, type ShownAction } from './domain/webhook-action.js';
export { AbTestDto, AbTestInputDto, VariantInputDto } from './dto/ab-test.dto.js';
export { FlowStepDto, SaveFlowDto, toStepInput } from './dto/step-input.dto.js';
export { describeStepKinds } from './dto/step-kinds.js';
export { StepDto, toStepDto } from './dto/step.dto.js';
