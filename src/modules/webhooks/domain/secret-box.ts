import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Keeps secrets unreadable in the database and its backups: AES-256-GCM under a key derived from the application's secret. What an older secret
 * of the application has sealed can still be opened. `owner` is bound to the text, so that a row's secret is of no use in another row.
 */
export class SecretBox {
  private readonly keys: Buffer[];

  constructor(appSecret: string, previousAppSecrets: readonly string[]) {
    this.keys = [appSecret, ...previousAppSecrets].map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'webhook secrets', 32)));
  }

  seal(text: string, owner: string): Buffer {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.keys[0], iv).setAAD(Buffer.from(owner));
    return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws if no secret that the application knows has sealed it, or for another owner. */
  open(sealed: Buffer, owner: string): string {
    for (const key of this.keys) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES)).setAAD(Buffer.from(owner));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      try {
        return decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
      } catch {
        // Sealed with another key: the next one.
      }
    }
    throw new Error('A secret in the database was sealed with an application secret that is not configured any more (APP_SECRET_PREVIOUS)');
  }
}
