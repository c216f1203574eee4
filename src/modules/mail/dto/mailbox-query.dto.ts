import { IsOptional, IsString, MaxLength } from 'class-validator';
import { PageQuery } from '../../../http/index.js';

export class MailboxQuery extends PageQuery {
  /** Only messages whose recipient contains this text, in any case. */
  @IsOptional()
  @IsString()
  @MaxLength(254)
  to?: string;
}
