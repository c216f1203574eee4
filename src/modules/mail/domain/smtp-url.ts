import { MailConfigurationError } from '../mail.errors.js';

export interface SmtpSettings {
  host: string;
  port: number;
  /** TLS from the first byte (`smtps:`). With `smtp:` STARTTLS is used where the server offers it. */
  secure: boolean;
  /** Refuse to go on without TLS (`?requireTLS=true`). */
  requireTls: boolean;
  user?: string;
  pass?: string;
  /** Connections kept open (`?pool=`); undefined leaves the choice to `SMTP_CONNECTIONS`. */
  pool?: number;
  /** Name given in EHLO (`?name=`). */
  name?: string;
}

const MAX_POOL = 200;
const PARAMETERS = new Set(['pool', 'requireTLS', 'name']);

/**
 * `smtp://user:password@host:587?pool=8&requireTLS=true&name=mail.example.com` or `smtps://…` (port 465). Special characters in user and
 * password are percent-encoded. The message of the {@link MailConfigurationError} says what is wrong and never repeats the URL.
 */
export function parseSmtpUrl(value: string): SmtpSettings {
  let url: URL;
  try {
    url = new URL(value);
  } catch {
    throw new MailConfigurationError('SMTP_URL is not a URL. Expected smtp://user:password@host:port or smtps://…');
  }
  if (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') {
    throw new MailConfigurationError('SMTP_URL must begin with smtp:// or smtps://');
  }
  if (url.hostname === '') throw new MailConfigurationError('SMTP_URL names no host.');
  if (url.pathname !== '' && url.pathname !== '/') throw new MailConfigurationError('SMTP_URL must not have a path after the port.');
  for (const key of url.searchParams.keys()) {
    if (!PARAMETERS.has(key)) {
      throw new MailConfigurationError(`SMTP_URL has an unknown parameter ${key}. Known: ${[...PARAMETERS].join(', ')}`);
    }
  }
  const secure = url.protocol === 'smtps:';
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTls: booleanParameter(url, 'requireTLS'),
    ...(url.username === '' ? {} : { user: decode(url.username), pass: decode(url.password) }),
    ...poolOf(url),
    ...nameOf(url),
  };
}

function booleanParameter(url: URL, name: string): boolean {
  const value = url.searchParams.get(name);
  if (value === null || value === 'false') return false;
  if (value === 'true' || value === '') return true;
  throw new MailConfigurationError(`SMTP_URL: ${name} must be true or false.`);
}

function poolOf(url: URL): { pool?: number } {
  const value = url.searchParams.get('pool');
  if (value === null) return {};
  const pool = Number(value);
  if (!Number.isInteger(pool) || pool < 1 || pool > MAX_POOL) {
    throw new MailConfigurationError(`SMTP_URL: pool must be a whole number from 1 to ${MAX_POOL}.`);
  }
  return { pool };
}

function nameOf(url: URL): { name?: string } {
  const name = url.searchParams.get('name');
  if (name === null) return {};
  if (!/^[A-Za-z0-9.[\]:-]{1,255}$/.test(name)) throw new MailConfigurationError('SMTP_URL: name must be a host name.');
  return { name };
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new MailConfigurationError('SMTP_URL: user and password must be percent-encoded (a literal % is %25).');
  }
}
