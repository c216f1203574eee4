import { Readable } from 'node:stream';
import { Body, Controller, Delete, Get, HttpCode, Injectable, Param, Post, Query, Req, type PipeTransform } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiConsumes, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiProblems, InvalidRequestError, PageDto } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, RateLimited, type TenantContext } from '../identity/index.js';
import { ImportTypeError } from './contacts.errors.js';
import { addressFault } from './domain/address.js';
import {
  AddedSuppressionsDto,
  AddSuppressionsDto,
  ImportSuppressionsQuery,
  RemoveSuppressionQuery,
  SuppressionDetailDto,
  SuppressionDto,
  SuppressionImportReportDto,
  SuppressionsQuery,
} from './dto/suppression.dto.js';
import { importFormatOf } from './import-source.js';
import { SuppressionsService, type SuppressionDetail } from './suppressions.service.js';

const EMAIL = { name: 'email', schema: { type: 'string', format: 'email' }, example: 'ada@example.com' } as const;

@Injectable()
class AddressPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    const fault = addressFault(value);
    if (fault) throw new InvalidRequestError([{ path: 'params.email', message: fault }]);
    return value;
  }
}

@ApiTags('suppressions')
@ApiBearerAuth()
@Controller('api/suppressions')
export class SuppressionsController {
  constructor(private readonly service: SuppressionsService) {}

  @Can('suppressions:read')
  @Get()
  @ApiOperation({ summary: 'List addresses that get no mail', description: 'In the order of addresses.' })
  @ApiOkResponse({ type: PageDto(SuppressionDto) })
  @ApiProblems(400)
  listSuppressions(@Ctx() ctx: TenantContext, @Query() query: SuppressionsQuery): Promise<Page<SuppressionDto>> {
    return this.service.list(ctx, query);
  }

  @Can('suppressions:write')
  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Suppress addresses',
    description:
      'One address, or up to 1,000. When the answer is there, no further message to them is let out (one that is with the provider already may arrive), and their contacts have left every running ' +
      'campaign (with reason `unsubscribed`: every marketing campaign). The first reason of an address stays, except that a stronger one replaces `unsubscribed`.',
  })
  @ApiOkResponse({ type: AddedSuppressionsDto })
  @ApiProblems(400, 415)
  addSuppressions(@Ctx() ctx: TenantContext, @Body() body: AddSuppressionsDto): Promise<AddedSuppressionsDto> {
    const { email, reason, detail, suppressions } = body;
    if ((email === undefined) === (suppressions === undefined)) {
      throw new InvalidRequestError([{ path: 'email', message: 'is needed, or else a list of suppressions (not both)' }]);
    }
    if (suppressions && (reason !== undefined || detail !== undefined)) {
      throw new InvalidRequestError([{ path: 'reason', message: 'and detail belong to each entry of the list' }]);
    }
    return this.service.add(ctx, suppressions ?? [{ email: email!, reason, detail }]);
  }

  @RateLimited('imports')
  @Can('suppressions:write')
  @Post('import')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Import a suppression list',
    description:
      'The body is the file itself, up to 50 MB: **`text/csv`** with a header that names a column `email` and optionally `reason` and `detail`, or ' +
      '**`application/x-ndjson`** with the same members. Other columns are passed over. Rows are committed in batches as they arrive; importing a list again ' +
      'is safe. A row that cannot be used is rejected and reported, the others are imported.',
  })
  @ApiConsumes('text/csv', 'application/x-ndjson')
  @ApiBody({
    required: true,
    description: 'The file, as CSV or as NDJSON.',
    schema: { type: 'string' },
    examples: {
      csv: { value: 'email,reason\nada@example.com,hard_bounce\n' },
      ndjson: { value: '{"email":"ada@example.com","reason":"hard_bounce"}\n' },
    },
  })
  @ApiOkResponse({ type: SuppressionImportReportDto })
  @ApiProblems(400, 413, 415, 503)
  importSuppressions(
    @Ctx() ctx: TenantContext,
    @Req() request: FastifyRequest,
    @Query() { reason = 'manual' }: ImportSuppressionsQuery,
  ): Promise<SuppressionImportReportDto> {
    const { body, headers } = request;
    if (!(body instanceof Readable)) throw new ImportTypeError();
    return this.service.import(ctx, importFormatOf(headers['content-type']), body, reason);
  }

  @Can('suppressions:read')
  @Get(':email')
  @ApiOperation({
    summary: 'Get an address and its history',
    description: 'Who put it on the list or took it off, when and why; also when it is not on the list any more.',
  })
  @ApiParam(EMAIL)
  @ApiOkResponse({ type: SuppressionDetailDto })
  @ApiProblems(400, 404)
  getSuppression(@Ctx() ctx: TenantContext, @Param('email', AddressPipe) email: string): Promise<SuppressionDetail> {
    return this.service.show(ctx, email);
  }

  @Can('suppressions:write')
  @Delete(':email')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Take an address off the list',
    description:
      'Nobody is subscribed by it: a contact who unsubscribed stays unsubscribed until that is changed on the contact. What people said themselves ' +
      '(`complaint`, `unsubscribed`, `erased`) is lifted only with `force=true` and a reason in `detail`: 409 otherwise. The history stays.',
  })
  @ApiParam(EMAIL)
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409)
  removeSuppression(
    @Ctx() ctx: TenantContext,
    @Param('email', AddressPipe) email: string,
    @Query() { force = false, detail }: RemoveSuppressionQuery,
  ): Promise<void> {
    return this.service.remove(ctx, email, { force, detail });
  }
}
