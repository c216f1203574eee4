import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig, readP256PublicKey } from '../../config/index.js';

/** An account whose provider calls us. */
export interface WebhookAccount {
  /** Whose it is; null for the account of the installation, through which every tenant sends. */
  tenantId: string | null;
  /** What its calls are signed with; null while it has none: then nothing is accepted for it. */
  publicKey: KeyObject | null;
}

/** Finds the account of a key that stands in a webhook's URL. Null if it does not know the key. */
export type WebhookAccountSource = (key: string) => Promise<WebhookAccount | null>;

/**
 * Whom a webhook's URL belongs to: the plain one to the installation's own account (`SENDGRID_WEBHOOK_PUBLIC_KEY`), one with a key to whichever
 * source knows it. A module that keeps accounts registers itself as a source when it starts.
 */
@Injectable()
export class WebhookAccounts {
  private readonly own: WebhookAccount;
  private readonly sources: WebhookAccountSource[] = [];

  constructor(config: AppConfig) {
    const { sendgridWebhookPublicKey: key } = config.mail;
    this.own = { tenantId: null, publicKey: key === undefined ? null : readP256PublicKey(key) };
  }

  register(source: WebhookAccountSource): void {
    this.sources.push(source);
  }

  async find(key: string | null): Promise<WebhookAccount | null> {
    if (key === null) return this.own;
    for (const source of this.sources) {
      const account = await source(key);
      if (account) return account;
    }
    return null;
  }
}
