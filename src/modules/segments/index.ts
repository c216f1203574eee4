export type { ContactFacts, EmailFacts } from './domain/contact-facts.js';
export { compileEventFilter, validateEventFilter, type EventFilter } from './domain/event-filter.js';
export { evaluateRule } from './domain/rule-evaluator.js';
export { isRule, validateRule } from './domain/rule-validator.js';
export {
  HIT_SETTLES_MS,
  mapStepReferences,
  segmentReferences,
  stepReferences,
  walkRule,
  type LeafRule,
  type Rule,
  type RuleReference,
} from './domain/rule.js';
export type { SegmentDefinition, SegmentDefinitions } from './domain/segment-graph.js';
export type { SqlFragment } from './domain/sql-fragment.js';
export { NULLABLE_RULE_SCHEMA, RULE_SCHEMA } from './dto/rule.dto.js';
export { RuleNotUsableError, SegmentNotFoundError } from './segments.errors.js';
export { SegmentsModule } from './segments.module.js';
export type { SegmentRow } from './segments.queries.js';
export { SegmentsService } from './segments.service.js';
export type { CompileOptions } from './domain/rule-compiler.js';
