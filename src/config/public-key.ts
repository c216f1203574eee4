import { createPublicKey, type KeyObject } from 'node:crypto';

/** An ECDSA P-256 public key as providers show it (base64 of the DER form, SPKI) or as PEM. Throws for anything else. */
export function readP256PublicKey(text: string): KeyObject {
  const key = text.includes('-----BEGIN')
    ? createPublicKey(text)
    : createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('not a key on the curve P-256');
  return key;
}

export function isP256PublicKey(text: string): boolean {
  try {
    readP256PublicKey(text);
    return true;
  } catch {
    return false;
  }
}
