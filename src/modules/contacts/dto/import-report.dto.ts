import { ApiProperty } from '@nestjs/swagger';

export class ImportErrorDto {
  /**
   * Which row of the file, counted from 1 as a spreadsheet does: in CSV the header is row 1; in NDJSON it is the line.
   * @example 17
   */
  @ApiProperty({ type: 'integer' })
  row: number;

  /** @example "email is not an email address: expected name@example.com" */
  message: string;
}

export class ImportReportDto {
  /**
   * Rows that made a new contact.
   * @example 180
   */
  @ApiProperty({ type: 'integer' })
  created: number;

  /**
   * Rows that changed a contact.
   * @example 15
   */
  @ApiProperty({ type: 'integer' })
  updated: number;

  /**
   * Rows that said nothing new.
   * @example 4
   */
  @ApiProperty({ type: 'integer' })
  unchanged: number;

  /**
   * Rows that were not imported.
   * @example 1
   */
  @ApiProperty({ type: 'integer' })
  rejected: number;

  /** Why, for the first 1,000 rejected rows. */
  @ApiProperty({ type: [ImportErrorDto] })
  errors: ImportErrorDto[];
}
