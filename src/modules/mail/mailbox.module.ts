import { Module } from '@nestjs/common';
import { MailboxController } from './mailbox.controller.js';
import { MailboxService } from './mailbox.service.js';

/** The pages under `/mailbox`. Import it in the API role only where `MAIL_PROVIDER=mailbox`. */
@Module({ controllers: [MailboxController], providers: [MailboxService] })
export class MailboxModule {}
