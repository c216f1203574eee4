import { Injectable } from '@nestjs/common';
import { type CompiledContent } from '../domain/compiled-content.js';
import { PreparedContent } from '../domain/prepared-content.js';

/** Turns stored compiled content into something that renders messages. Preparing costs about a millisecond: callers keep the result per step version. */
@Injectable()
export class ContentRenderer {
  prepare(compiled: CompiledContent): PreparedContent {
    if (compiled.version !== 1)
      throw new Error(`compiled content has layout ${String(compiled.version)}; compile it again from its source`);
    return new PreparedContent(compiled);
  }
}
