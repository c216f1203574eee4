import { Module } from '@nestjs/common';
import { DnsLookup, SystemDnsLookup } from './dns-lookup.js';
import { SenderDomainsController } from './sender-domains.controller.js';
import { SenderDomainsQueries } from './sender-domains.queries.js';
import { SenderDomainsService } from './sender-domains.service.js';

/** Apart from `MailModule`, so that who only wants advice about a sender opens no way out. Tests override `DnsLookup`. */
@Module({
  controllers: [SenderDomainsController],
  providers: [{ provide: DnsLookup, useFactory: () => new SystemDnsLookup() }, SenderDomainsQueries, SenderDomainsService],
  exports: [SenderDomainsService],
})
export class SenderDomainsModule {}
