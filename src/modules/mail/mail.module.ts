import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Clock } from '../../shared/clock.js';
import { createEmailProvider } from './mail-provider.factory.js';
import { EmailProvider } from './mail.types.js';

/** Gives the one `EmailProvider` of this process and closes it at the end, after the modules that send have stopped. */
@Module({
  providers: [{ provide: EmailProvider, useFactory: createEmailProvider, inject: [AppConfig, Clock] }],
  exports: [EmailProvider],
})
export class MailModule implements OnApplicationShutdown {
  constructor(@Inject(EmailProvider) private readonly provider: EmailProvider) {}

  async onApplicationShutdown(): Promise<void> {
    await this.provider.close();
  }
}
