import type { Problem } from '../../../shared/domain-error.js';
import { SMTP_PORTS, type Encryption, type Region, type SendGridAccountSettings, type SmtpAccountSettings } from './provider-account.js';

export interface SmtpInput {
  host?: string;
  port?: number;
  encryption?: Encryption;
  username?: string | null;
  password?: string | null;
  connections?: number;
}

export interface SendGridInput {
  apiKey?: string;
  region?: Region;
  webhookPublicKey?: string | null;
}

export interface Merged<S> {
  settings: S;
  /** In the clear; undefined keeps the one that is stored, null has none. */
  secret: string | null | undefined;
  problems: Problem[];
}

const CONNECTIONS = 4;

/** The settings as they will stand, with everything that is wrong with them. Without `current` the account is new. Pure. */
export function mergeSmtp(
  current: SmtpAccountSettings | null,
  hasSecret: boolean,
  input: SmtpInput,
  allowsPrivate: boolean,
): Merged<SmtpAccountSettings> {
  const encryption = input.encryption ?? current?.encryption ?? 'starttls';
  const settings: SmtpAccountSettings = {
    host: input.host ?? current?.host ?? '',
    port: input.port ?? current?.port ?? (encryption === 'tls' ? 465 : 587),
    encryption,
    username: input.username === undefined ? (current?.username ?? null) : input.username,
    connections: input.connections ?? current?.connections ?? CONNECTIONS,
  };
  const problems: Problem[] = [];
  const fault = (path: string, code: string, message: string) => problems.push({ path: `smtp.${path}`, code, message });
  const willHaveSecret = input.password === undefined ? hasSecret : input.password !== null;
  if (settings.host === '') fault('host', 'required', 'is needed: the name of the mail server');
  if (!allowsPrivate && !SMTP_PORTS.includes(settings.port)) fault('port', 'port_not_allowed', `must be one of ${SMTP_PORTS.join(', ')}`);
  if (willHaveSecret && settings.username === null) fault('username', 'required', 'is needed where there is a password');
  if (settings.username !== null && !willHaveSecret) fault('password', 'required', 'is needed where there is a user name');
  // A stored password may go only to the server it was given for: else whoever may change the host could have it sent to themselves.
  if (current && hasSecret && input.password === undefined && input.host !== undefined && input.host !== current.host) {
    fault('password', 'required', 'must be given again when the host changes');
  }
  if (encryption === 'none' && settings.username !== null && !allowsPrivate) {
    fault('encryption', 'encryption_required', 'must be "starttls" or "tls" where there is a password: it would travel in the clear');
  }
  return { settings, secret: input.password, problems };
}

export function mergeSendGrid(
  current: SendGridAccountSettings | null,
  hasSecret: boolean,
  input: SendGridInput,
): Merged<SendGridAccountSettings> {
  const problems: Problem[] = [];
  if (!hasSecret && input.apiKey === undefined) problems.push({ path: 'sendgrid.apiKey', code: 'required', message: 'is needed' });
  const webhookPublicKey = input.webhookPublicKey === undefined ? (current?.webhookPublicKey ?? null) : input.webhookPublicKey;
  return { settings: { region: input.region ?? current?.region ?? 'global', webhookPublicKey }, secret: input.apiKey, problems };
}
