import { Api } from './api.js';
import { Cluster } from './cluster.js';
import { Meter, type ProcessUse, type Watched } from './meter.js';
import type { Options } from './options.js';
import { createTenant, Product } from './product.js';

export interface StageSettings {
  options: Options;
  mail?: Record<string, string>;
  env?: Record<string, string>;
  workers?: number;
  /** Fills the database before the product starts. */
  prepare?: (stage: { cluster: Cluster; tenantId: string }) => Promise<void>;
}

let clearing: (() => Promise<void>) | undefined;

/** Stops whatever is running now: for a benchmark that is interrupted. */
export const clearStage = async (): Promise<void> => clearing?.();

/** A fresh database, a tenant, and the running product, for one measurement. */
export class Stage {
  private constructor(
    readonly cluster: Cluster,
    readonly product: Product,
    readonly tenantId: string,
    readonly api: Api,
    readonly options: Options,
  ) {}

  /** Opens a stage, runs `work` on it and clears everything away, whatever happens. What the product complained about goes to stderr. */
  static async use<T>(settings: StageSettings, work: (stage: Stage) => Promise<T>): Promise<T> {
    const { options, mail = { MAIL_PROVIDER: 'null' }, env, workers, prepare } = settings;
    const cluster = await Cluster.start(options);
    let product: Product | undefined;
    clearing = async () => {
      clearing = undefined;
      await product?.stop();
      for (const line of product?.complaints().slice(0, 20) ?? []) process.stderr.write(`${line}\n`);
      await cluster.stop();
    };
    try {
      const { tenantId, apiKey } = await createTenant(cluster, options, 'shop');
      await prepare?.({ cluster, tenantId });
      product = await Product.start({ cluster, options, mail, env, workers });
      return await work(new Stage(cluster, product, tenantId, new Api(product.baseUrl, apiKey), options));
    } finally {
      await clearing?.();
    }
  }

  meter(...more: Watched[]): Meter {
    return new Meter([...this.product.watched, { name: 'PostgreSQL', pid: this.cluster.pid, isPostgres: true }, ...more]);
  }

  /** Statements that took most time, as notes of the outcome (with `--statements`). */
  async notes(): Promise<string[]> {
    return this.cluster.topStatements();
  }
}

/** Highest memory of the product's own processes. */
export const peakNodeRss = (uses: ProcessUse[]): number =>
  Math.max(...uses.filter(({ name }) => /^(api|worker)/.test(name)).map(({ peakRssMb }) => peakRssMb ?? 0));
