/**
 * Prometheus metrics. Label values come from closed lists (vendor, verdict, code): a run's label
 * or a task would be a new series for each run, and is asked of the audit instead.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Micros } from './money.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

export interface Gauges {
  /** Calls under way. */
  running(): number;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #calls: Counter;
  readonly #cost: Counter;
  readonly #latency: Histogram;
  readonly #upstream: Histogram;

  constructor(gauges: Gauges) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#calls = new Counter({
      name: 'keybrake_calls_total',
      help: 'Calls under a vault key, by what was decided and why',
      labelNames: ['vendor', 'verdict', 'code'],
      registers,
    });
    this.#cost = new Counter({
      name: 'keybrake_cost_usd_total',
      help: 'Dollars that calls counted for when they were answered',
      labelNames: ['vendor'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'keybrake_call_seconds',
      help: 'From arrival to answer',
      labelNames: ['vendor'],
      buckets: SECONDS,
      registers,
    });
    this.#upstream = new Histogram({
      name: 'keybrake_upstream_seconds',
      help: "The vendor's part of it",
      labelNames: ['vendor'],
      buckets: SECONDS,
      registers,
    });
    new Gauge({
      name: 'keybrake_calls_running',
      help: 'Calls between arrival and answer',
      registers,
      collect() {
        this.set(gauges.running());
      },
    });
  }

  call(
    vendor: string,
    verdict: string,
    code: string,
    latencyMs: number,
    upstreamMs: number | null,
    cost: Micros,
  ): void {
    this.#calls.inc({ vendor, verdict, code });
    // A metric is a float by its protocol; the ledger, not this, is what is right to the cent.
    if (cost > 0n) this.#cost.inc({ vendor }, Number(cost) / 1e6);
    this.#latency.observe({ vendor }, latencyMs / 1000);
    if (upstreamMs !== null) this.#upstream.observe({ vendor }, upstreamMs / 1000);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}
