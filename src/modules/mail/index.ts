export { EmailProvider, type MailAddress, type OutgoingMessage, type SendOutcome } from './mail.types.js';
export { MailConfigurationError, UnsendableMessageError } from './mail.errors.js';
export { EmailProviders, type ChosenProvider } from './email-providers.js';
export { ProviderAccountsService } from './provider-accounts.service.js';
export { createEmailProvider } from './mail-provider.factory.js';
export { MailModule } from './mail.module.js';
export { MailboxModule } from './mailbox.module.js';
