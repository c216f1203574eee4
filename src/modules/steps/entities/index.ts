export { CampaignStep } from './campaign-step.entity.js';
export { StepVariant } from './step-variant.entity.js';
