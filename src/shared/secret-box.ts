import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/index.js';

const VERSION = 1;
const KEY_ID_BYTES = 4;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

interface Key {
  id: Buffer;
  bytes: Buffer;
}

/**
 * Encrypts the secrets of tenants before they are stored. A sealed secret is
 *
 *     version (1 B) · key id (4 B) · nonce (12 B) · tag (16 B) · AES-256-GCM ciphertext
 *
 * under a key derived from `APP_SECRET` by HKDF (RFC 5869). The key id says which secret it was: those of `APP_SECRET_PREVIOUS` still open what they
 * sealed. The version, the key id and `context` (where the secret belongs, such as `provider-account/<tenant>/<id>`) are authenticated with it: copied
 * into another row it does not open.
 */
@Injectable()
export class SecretBox {
  private readonly keys: [Key, ...Key[]];

  constructor(config: AppConfig) {
    this.keys = [keyOf(config.appSecret), ...config.previousAppSecrets.map(keyOf)];
  }

  seal(secret: string, context: string): Buffer {
    const [key] = this.keys;
    const header = Buffer.concat([Buffer.from([VERSION]), key.id]);
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key.bytes, iv).setAAD(authenticated(header, context));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([header, iv, cipher.getAuthTag(), sealed]);
  }

  /** The secret, or null if it was sealed with a secret that is not configured any more, for another context, or is damaged. */
  open(sealed: Buffer, context: string): string | null {
    if (sealed.length < HEADER_BYTES + IV_BYTES + TAG_BYTES || sealed[0] !== VERSION) return null;
    const header = sealed.subarray(0, HEADER_BYTES);
    const key = this.keys.find(({ id }) => id.equals(header.subarray(1)));
    if (!key) return null;
    const iv = sealed.subarray(HEADER_BYTES, HEADER_BYTES + IV_BYTES);
    const rest = sealed.subarray(HEADER_BYTES + IV_BYTES);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, iv, { authTagLength: TAG_BYTES })
        .setAAD(authenticated(header, context))
        .setAuthTag(rest.subarray(0, TAG_BYTES));
      return Buffer.concat([decipher.update(rest.subarray(TAG_BYTES)), decipher.final()]).toString('utf8');
    } catch {
      return null;
    }
  }
}

function keyOf(secret: string): Key {
  const bytes = Buffer.from(hkdfSync('sha256', secret, 'campaign-engine', 'stored-secrets', 32));
  return { id: createHash('sha256').update(bytes).digest().subarray(0, KEY_ID_BYTES), bytes };
}

function authenticated(header: Buffer, context: string): Buffer {
  return Buffer.concat([header, Buffer.from(context)]);
}
