export { ProviderAccount } from './provider-account.entity.js';
export { SenderDomain } from './sender-domain.entity.js';
