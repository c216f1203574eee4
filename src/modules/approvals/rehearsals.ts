import { Injectable } from '@nestjs/common';
import type { TenantContext } from '../identity/index.js';

/** What a campaign would do with this version of its steps, in the form of `RehearsalDto`, without single people. Throws `DomainError` if none can be made. */
export type Rehearse = (ctx: TenantContext, campaignId: string, version: number) => Promise<object>;

/** Where the module above that rehearses campaigns hooks in: it registers in `onModuleInit`. */
@Injectable()
export class Rehearsals {
  private rehearsing: Rehearse | null = null;

  register(rehearse: Rehearse): void {
    this.rehearsing = rehearse;
  }

  /** Null in an application that has no rehearsals. */
  async of(ctx: TenantContext, campaignId: string, version: number): Promise<object | null> {
    return (await this.rehearsing?.(ctx, campaignId, version)) ?? null;
  }
}
