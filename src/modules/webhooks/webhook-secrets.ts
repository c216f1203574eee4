import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { SecretBox } from './domain/secret-box.js';

/** The secrets of endpoints, sealed for the database. */
@Injectable()
export class WebhookSecrets {
  private readonly box: SecretBox;

  constructor(config: AppConfig) {
    this.box = new SecretBox(config.appSecret, config.previousAppSecrets);
  }

  seal(secret: string, tenantId: string, endpointId: string): Buffer {
    return this.box.seal(secret, `${tenantId}/${endpointId}`);
  }

  open(sealed: Buffer, tenantId: string, endpointId: string): string {
    return this.box.open(sealed, `${tenantId}/${endpointId}`);
  }
}
