import { Injectable, type PipeTransform } from '@nestjs/common';
import { RequestValidationPipe } from '../../http/index.js';
import { FILE_FORMAT, FILE_VERSION, type CampaignFile } from './domain/campaign-file.js';
import { CampaignFileDto, toCampaignFile } from './dto/campaign-file.dto.js';
import { CampaignFileError } from './exchange.errors.js';

/** Reads a body as a campaign file. What it claims to be is looked at first: the fields of another version would be nothing but faults of this one. */
@Injectable()
export class CampaignFilePipe implements PipeTransform<unknown, Promise<CampaignFile>> {
  private readonly validation = new RequestValidationPipe();

  async transform(body: unknown): Promise<CampaignFile> {
    assertReadable(body);
    return toCampaignFile((await this.validation.transform(body, { type: 'body', metatype: CampaignFileDto })) as CampaignFileDto);
  }
}

function assertReadable(body: unknown): void {
  const { format, version } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (format !== FILE_FORMAT) {
    const message = `This is not the file of a campaign: format must be "${FILE_FORMAT}", as GET /api/campaigns/:id/export writes it.`;
    throw new CampaignFileError('malformed', [{ path: 'format', code: 'unknown_format', message }]);
  }
  if (!Number.isInteger(version) || (version as number) < 1) {
    const message = `version is the version of the format, a whole number from 1 to ${FILE_VERSION}.`;
    throw new CampaignFileError('malformed', [{ path: 'version', code: 'bad_version', message }]);
  }
  if ((version as number) <= FILE_VERSION) return;
  const message =
    `The file has version ${String(version)} of the format, and this server reads versions up to ${FILE_VERSION}: it was written by a newer one. ` +
    'Import it there, or bring this server up to date.';
  throw new CampaignFileError('unprocessable', [{ path: 'version', code: 'version_from_the_future', message }]);
}
