import { Readable } from 'node:stream';
import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiConsumes, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiProblems } from '../../http/index.js';
import { Can, Ctx, RateLimited, type TenantContext } from '../identity/index.js';
import { ContactImportService } from './contact-import.service.js';
import { ImportTypeError } from './contacts.errors.js';
import { ImportReportDto } from './dto/import-report.dto.js';
import { importFormatOf } from './import-source.js';

const CSV_EXAMPLE = 'email,firstName,timezone,tags,plan\nada@example.com,Ada,Europe/London,vip;beta,pro\n';
const NDJSON_EXAMPLE = '{"email":"ada@example.com","firstName":"Ada","tags":["vip"],"attributes":{"plan":"pro"}}\n';

@ApiTags('contacts')
@ApiBearerAuth()
@Controller('api/contacts/import')
export class ContactImportController {
  constructor(private readonly service: ContactImportService) {}

  @RateLimited('imports')
  @Can('contacts:write')
  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Import contacts',
    description: [
      'The body is the file itself, up to 50 MB, in UTF-8 with or without a byte order mark.',
      '**`text/csv`**: comma separated, with a header. Columns `email` (required), `firstName`, `lastName`, `timezone`, `leadScore` and `tags`',
      '(separated by semicolons) are fields of the contact (`first_name` and `First Name` mean the same); every other column becomes a custom',
      'attribute of type text. At most 100 columns and 10 KB per cell. **`application/x-ndjson`**: one JSON object per line with the same names;',
      '`attributes` and unknown members are custom attributes and keep their types.',
      'Contacts are matched by address, whatever its case. A column that is absent, an empty cell or null leaves an existing contact’s value as it is; tags',
      'are added, attributes merged. When an address occurs twice, the later row is laid over the earlier one; it counts as `updated` if it says',
      'something new, else as `unchanged`. Nobody becomes subscribed by an import: whoever unsubscribed stays so, also if the contact is created anew.',
      'A row that cannot be imported is rejected and reported; the others are imported. Rows are committed in batches as they arrive: if the file',
      'cannot be read from some row on (an unclosed quote, say), the answer is a problem whose `row` names the place and whose `imported` says how',
      'many rows before it are in. Importing the mended file again is safe.',
    ].join(' '),
  })
  @ApiConsumes('text/csv', 'application/x-ndjson')
  @ApiBody({
    required: true,
    description: 'The file, as CSV or as NDJSON.',
    schema: { type: 'string' },
    examples: { csv: { value: CSV_EXAMPLE }, ndjson: { value: NDJSON_EXAMPLE } },
  })
  @ApiOkResponse({ type: ImportReportDto })
  @ApiProblems(400, 413, 415, 503)
  importContacts(@Ctx() ctx: TenantContext, @Req() request: FastifyRequest): Promise<ImportReportDto> {
    const { body } = request;
    if (!(body instanceof Readable)) throw new ImportTypeError();
    return this.service.import(ctx, importFormatOf(request.headers['content-type']), body);
  }
}
