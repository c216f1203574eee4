import { Controller, Get, Header, Query } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { IdParam, Public, Unlimited } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { MailboxQuery } from './dto/mailbox-query.dto.js';
import { MailboxService, type MailboxItem } from './mailbox.service.js';
import { MESSAGE_CSP, PAGE_CSP } from './mailbox.page.js';

const HTML = 'text/html; charset=utf-8';

/** The inbox of everybody, for trying the product without sending anything. Exists only with MAIL_PROVIDER=mailbox; shows, never changes. */
@ApiExcludeController()
@Public()
@Unlimited()
@Controller()
export class MailboxController {
  constructor(private readonly mailbox: MailboxService) {}

  @Get('mailbox')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', PAGE_CSP)
  @Header('Cache-Control', 'no-store')
  list(@Query() query: MailboxQuery): Promise<string> {
    return this.mailbox.listPage(query);
  }

  @Get('mailbox.json')
  @Header('Cache-Control', 'no-store')
  listJson(@Query() query: MailboxQuery): Promise<Page<MailboxItem>> {
    return this.mailbox.list(query);
  }

  @Get('mailbox/:id')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', PAGE_CSP)
  @Header('Cache-Control', 'no-store')
  show(@IdParam('id') id: string): Promise<string> {
    return this.mailbox.messagePage(id);
  }

  @Get('mailbox/:id/html')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', MESSAGE_CSP)
  @Header('X-Frame-Options', 'SAMEORIGIN')
  @Header('Cache-Control', 'no-store')
  html(@IdParam('id') id: string): Promise<string> {
    return this.mailbox.messageDocument(id);
  }
}
