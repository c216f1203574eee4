import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './app-config.js';

/**
 * The secret of an embedded installation: made once, kept in `DATA_DIR/app-secret` for the owner's eyes only. Two processes that start at
 * once agree, because only one of them can create the file.
 */
export function generatedSecret(dataDir: string): string {
  const path = join(dataDir, 'app-secret');
  try {
    ensureDataDir(dataDir);
    try {
      writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return validSecret(path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([`DATA_DIR=${dataDir}: cannot keep the generated secret there (${(error as Error).message})`]);
  }
}

/** Others may pass through (a database server started by root runs as another user), but not list it; what is secret inside has its own mode. */
export function ensureDataDir(dataDir: string): void {
  if (mkdirSync(dataDir, { recursive: true }) !== undefined) chmodSync(dataDir, 0o711);
}

function validSecret(path: string): string {
  const secret = readFileSync(path, 'utf8').trim();
  if (secret.length >= 32) return secret;
  throw new ConfigError([
    `${path}: holds fewer than 32 characters; restore it from a backup, or delete it (links in mail already sent will break)`,
  ]);
}
