export { AbDecision } from './ab-decision.entity.js';
