import type { AppConfig } from '../../config/index.js';
import type { Clock } from '../../shared/clock.js';
import { MailConfigurationError } from './mail.errors.js';
import type { EmailProvider } from './mail.types.js';
import { MailboxStore } from './providers/mailbox-store.js';
import { MailboxProvider } from './providers/mailbox.provider.js';
import { NullProvider } from './providers/null.provider.js';
import { SendGridProvider } from './providers/sendgrid.provider.js';
import { SmtpProvider } from './providers/smtp.provider.js';

/** The provider that the configuration names. Throws {@link MailConfigurationError} at the start rather than failing message after message. */
export function createEmailProvider(config: Pick<AppConfig, 'mail' | 'dataDir'>, clock: Clock): EmailProvider {
  const { mail } = config;
  const seconds = mail.sendTimeoutSeconds;
  const ms = (seconds ?? 0) * 1_000;
  const patience = { socketMs: ms, sendMs: ms, waitMs: Math.min(15_000, ms / 2) };
  switch (mail.provider) {
    case 'mailbox':
      return new MailboxProvider(new MailboxStore(config.dataDir), clock);
    case 'smtp':
      if (!mail.smtpUrl) throw new MailConfigurationError('MAIL_PROVIDER is smtp, but SMTP_URL is not set.');
      return new SmtpProvider({ url: mail.smtpUrl, connections: mail.smtpConnections, timeouts: seconds ? patience : {} }, clock);
    case 'sendgrid':
      if (!mail.sendgridApiKey) throw new MailConfigurationError('MAIL_PROVIDER is sendgrid, but SENDGRID_API_KEY is not set.');
      return new SendGridProvider(
        {
          apiKey: mail.sendgridApiKey,
          baseUrl: mail.sendgridBaseUrl,
          connections: mail.sendgridConnections,
          timeouts: seconds ? { requestMs: ms, waitMs: patience.waitMs } : {},
        },
        clock,
      );
    case 'null':
      return new NullProvider();
  }
}
