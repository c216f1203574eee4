export { ProviderAccount } from './provider-account.entity.js';
