export { isP256PublicKey, readP256PublicKey } from './public-key.js';
export { AppConfig, ConfigError, withDatabase, type LogLevel, type MailProvider } from './app-config.js';
export { ConfigModule } from './config.module.js';
export { loadConfig } from './load-config.js';
