import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Clock } from '../../shared/clock.js';
import { EmailProviders } from './email-providers.js';
import { createEmailProvider } from './mail-provider.factory.js';
import { EmailProvider } from './mail.types.js';
import { ProviderAccountsController } from './provider-accounts.controller.js';
import { ProviderAccountsQueries } from './provider-accounts.queries.js';
import { ProviderAccountsService } from './provider-accounts.service.js';
import { SenderDomainsModule } from './sender-domains.module.js';

/** Gives the providers of this process and closes them at the end, after the modules that send have stopped. */
@Module({
  imports: [SenderDomainsModule],
  controllers: [ProviderAccountsController],
  providers: [
    { provide: EmailProvider, useFactory: createEmailProvider, inject: [AppConfig, Clock] },
    EmailProviders,
    ProviderAccountsQueries,
    ProviderAccountsService,
  ],
  exports: [EmailProvider, EmailProviders, ProviderAccountsService],
})
export class MailModule implements OnApplicationShutdown {
  constructor(
    @Inject(EmailProvider) private readonly provider: EmailProvider,
    private readonly providers: EmailProviders,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.provider.close(), this.providers.close()]);
  }
}
