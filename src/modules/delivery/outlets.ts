import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { EmailProviders } from '../mail/index.js';
import { Outlet } from './outlet.js';

/** More than `EmailProviders` keeps open: an outlet costs nothing, and forgetting one forgets that its account is to be left alone. */
const MAX_KEPT = 1_000;

/** The ways out of this process, one for each provider account and one for the provider of the installation. */
@Injectable()
export class Outlets {
  private readonly kept = new Map<string | null, Outlet>();

  constructor(
    private readonly providers: EmailProviders,
    private readonly config: AppConfig,
  ) {}

  /** The way out of a campaign's mail. A changed account gets a new one: what was learned about the old one says nothing about it. */
  async for(tenantId: string, providerAccountId: string | null): Promise<Outlet> {
    const chosen = await this.providers.for(tenantId, providerAccountId);
    const { accountId, provider } = chosen;
    const known = this.kept.get(accountId);
    this.kept.delete(accountId);
    const outlet = known?.provider === provider ? known : new Outlet(chosen, this.config);
    this.kept.set(accountId, outlet);
    if (this.kept.size > MAX_KEPT) this.kept.delete(this.kept.keys().next().value as string | null);
    return outlet;
  }

  /** Whether mail of this account, as it is since `version`, has to wait, as far as this process knows. A changed account is worth a new try. */
  isPaused(accountId: string | null, version: number): boolean {
    const outlet = this.kept.get(accountId);
    return outlet !== undefined && outlet.version === version && outlet.isPaused;
  }
}
