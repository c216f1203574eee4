export { placementOf, type Placement } from './domain/placement.js';
export { credibleInterval, probabilitiesToBeBest, twoProportionTest } from './domain/statistics.js';
export { judge, METRIC_COUNT } from './domain/decision.js';
export { type AbOutcome, type Decision, type VariantFigures } from './domain/test-state.js';
export { AbDecisionDto, toDecisionDto } from './dto/winner.dto.js';
export { AbDecision } from './entities/ab-decision.entity.js';
export { ExperimentsModule } from './experiments.module.js';
export { ExperimentsService, type VersionChange } from './experiments.service.js';
export { ExperimentsWorkerModule } from './experiments.worker.module.js';
