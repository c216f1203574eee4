import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** HTTP latencies from a cached answer to a slow import. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How old a sample may be, and how long one may take: a scrape must cost next to nothing and always be answered. */
const SAMPLE_KEPT_MS = 5_000;
const SAMPLE_LIMIT_MS = 1_500;

/** A value of a sampled gauge; `labels` from a small fixed set. */
export interface Sample {
  value: number;
  labels?: Record<string, string>;
}

/**
 * What this process counts, for Prometheus. Each application has its own registry (tests start many), and asking twice for a name gives the
 * same instrument. Labels must come from small fixed sets: never ids, addresses or URLs.
 */
@Injectable()
export class Metrics implements OnModuleInit {
  readonly registry = new Registry();

  onModuleInit(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return this.known<Counter<L>>(name) ?? new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  /** With `collect`, the value is asked for at every scrape. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L> {
    const known = this.known<Gauge<L>>(name);
    if (known) return known;
    return new Gauge<L>({
      name,
      help,
      labelNames,
      registers: [this.registry],
      ...(collect
        ? {
            collect(this: Gauge<L>) {
              return collect(this);
            },
          }
        : {}),
    });
  }

  /**
   * A gauge whose values `read` looks up, for a scrape and at most every five seconds. What fails or takes longer than 1.5 s leaves its values out,
   * never the others, and is counted in `metrics_sample_failures_total`: an alert on a value that is missing must not read 0.
   */
  sampled(name: string, help: string, labelNames: readonly string[], read: () => Promise<Sample[]>): void {
    const failures = this.counter('metrics_sample_failures_total', 'Values that could not be looked up for a scrape.', ['metric']);
    failures.inc({ metric: name }, 0);
    let readAt = -Infinity;
    // A gauge without labels starts at 0, which nobody has read.
    let shown: Sample[] = labelNames.length === 0 ? [{ value: 0 }] : [];
    this.gauge<string>(name, help, labelNames, async (gauge) => {
      if (performance.now() - readAt < SAMPLE_KEPT_MS) return;
      readAt = performance.now();
      try {
        const samples = await inTime(read());
        for (const { labels } of shown) gauge.remove(labels ?? {});
        for (const { labels, value } of samples) gauge.set(labels ?? {}, value);
        shown = samples;
      } catch {
        for (const { labels } of shown) gauge.remove(labels ?? {});
        shown = [];
        failures.inc({ metric: name });
      }
    });
  }

  histogram<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: number[] = SECONDS,
  ): Histogram<L> {
    return this.known<Histogram<L>>(name) ?? new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }

  /** Everything, in Prometheus' text format. */
  render(): Promise<string> {
    return this.registry.metrics();
  }

  private known<M>(name: string): M | undefined {
    return this.registry.getSingleMetric(name) as M | undefined;
  }
}

async function inTime<T>(reading: Promise<T>): Promise<T> {
  const timeout = new AbortController();
  const tooLate = delay(SAMPLE_LIMIT_MS, null, { signal: timeout.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${SAMPLE_LIMIT_MS} ms`);
  });
  try {
    return await Promise.race([reading, tooLate]);
  } finally {
    timeout.abort();
    tooLate.catch(() => undefined);
  }
}
