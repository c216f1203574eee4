export const PROVIDER_KINDS = ['smtp', 'sendgrid'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

export const ENCRYPTIONS = ['tls', 'starttls', 'none'] as const;
/** `tls`: from the first byte · `starttls`: required before anything is said · `none`: whatever the server offers. */
export type Encryption = (typeof ENCRYPTIONS)[number];

export const REGIONS = ['global', 'eu'] as const;
export type Region = (typeof REGIONS)[number];

/** Ports on which mail servers take mail; others are no place for a tenant to make us connect to. */
export const SMTP_PORTS: readonly number[] = [25, 465, 587, 2465, 2525, 2587];

export interface SmtpAccountSettings {
  host: string;
  port: number;
  encryption: Encryption;
  username: string | null;
  /** Connections that each process keeps open. */
  connections: number;
}

export interface SendGridAccountSettings {
  region: Region;
  /** What the account's Event Webhook signs with (ECDSA P-256); without it no event of the account is taken. Accounts of before have no such member. */
  webhookPublicKey?: string | null;
}

/** What is not secret about an account; the password of SMTP and the key of SendGrid are stored apart. */
export type AccountSettings = SmtpAccountSettings | SendGridAccountSettings;

const WEBHOOK_KEY = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** Where the account's provider posts its events, below the public address of the installation. */
export function webhookPath(tenantId: string, accountId: string): string {
  return `/webhooks/sendgrid/events/${tenantId}.${accountId}`;
}

/** Whose account the last part of such a path names; null if it names none. */
export function readWebhookKey(key: string): { tenantId: string; accountId: string } | null {
  const [, tenantId, accountId] = WEBHOOK_KEY.exec(key) ?? [];
  return accountId === undefined ? null : { tenantId, accountId };
}

/** Where a sealed secret belongs (`SecretBox`). */
export function secretContext(tenantId: string, accountId: string): string {
  return `provider-account/${tenantId}/${accountId}`;
}
