import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { LinksQueries } from './links.queries.js';

/** So many clicks are counted in some tens of milliseconds, when somebody asks. */
const MANY_CLICKS = 5_000;

/** After a count its campaign rests for so many times as long as it took: counting takes no more than a tenth of a worker, however busy a campaign is. */
const REST = 10;

/** Counts the links of campaigns with many clicks, so that reports only read them. */
@Injectable()
export class LinkCounter {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly queries: LinksQueries,
  ) {}

  /** Counts the campaign that has waited longest since its clicks changed, unless another process is at it. True while there may be more. */
  run({ manyClicks = MANY_CLICKS } = {}): Promise<boolean> {
    return this.db.asSystem(
      async (tx) => {
        if (!(await this.queries.tryLock(tx))) return false;
        const now = this.clock.now();
        const stale = await this.queries.nextStale(tx, now);
        if (!stale) return false;
        if (stale.clicks < manyClicks) {
          await this.queries.saveCount(tx, stale, { countedAt: null, nextCountAt: null });
          return true;
        }
        const begun = performance.now();
        await this.queries.count(tx, stale);
        const rest = REST * (performance.now() - begun);
        await this.queries.saveCount(tx, stale, { countedAt: now, nextCountAt: new Date(now.getTime() + rest) });
        return true;
      },
      { statementTimeoutMs: 60_000 },
    );
  }
}
