export { Email } from './email.entity.js';
export { PacingSettingsRow } from './pacing-settings.entity.js';
export { ProviderHealth } from './provider-health.entity.js';
export { SendBudget } from './send-budget.entity.js';
